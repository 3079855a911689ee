"""ELB: a listener that changes from HTTPS to HTTP loses its certificate and its security policy; stock moto keeps both.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyListener.html
"""

from moto.elbv2.models import ELBv2Backend


def forget_certificate_with_tls():
    stock = ELBv2Backend.modify_listener

    def modify_listener(self, *args, **kwargs):
        listener = stock(self, *args, **kwargs)
        if listener.protocol == "HTTP":
            listener.certificate = None
            listener.certificates = []
            listener.ssl_policy = None
        return listener

    ELBv2Backend.modify_listener = modify_listener


def install():
    forget_certificate_with_tls()
