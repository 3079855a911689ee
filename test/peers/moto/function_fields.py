"""Lambda: a function's fields that stock moto drops (log format, dead letters) or adds (an image's empty commands).

https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
"""

from moto.awslambda.models import LambdaFunction

FIELDS = ("LoggingConfig", "DeadLetterConfig")


def install():
    stock_init = LambdaFunction.__init__
    stock_update = LambdaFunction.update_configuration
    stock_configuration = LambdaFunction.get_configuration

    def store(self, spec):
        self.stored_fields = {**getattr(self, "stored_fields", {}), **{key: spec[key] for key in FIELDS if spec.get(key)}}

    def init(self, account_id, spec, *args, **kwargs):
        stock_init(self, account_id, spec, *args, **kwargs)
        store(self, spec)

    def update_configuration(self, config_updates):
        store(self, config_updates)
        return stock_update(self, config_updates)

    def get_configuration(self, *args, **kwargs):
        configuration = stock_configuration(self, *args, **kwargs)
        configuration.update(self.stored_fields)
        if not any(configuration.get("ImageConfigResponse", {}).get("ImageConfig", {}).values()):
            configuration.pop("ImageConfigResponse", None)
        return configuration

    LambdaFunction.__init__ = init
    LambdaFunction.update_configuration = update_configuration
    LambdaFunction.get_configuration = get_configuration
