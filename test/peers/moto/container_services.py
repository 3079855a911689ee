"""ECS: a service's fields that stock moto drops: AvailabilityZoneRebalancing (default DISABLED) and the grace period.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
"""

from moto.ecs.responses import EC2ContainerServiceResponse


def install():
    stock = EC2ContainerServiceResponse.create_service

    def create_service(self):
        response = stock(self)
        service = response.result["service"]
        service.availability_zone_rebalancing = self._get_param("availabilityZoneRebalancing", "DISABLED")
        service.health_check_grace_period_seconds = self._get_int_param("healthCheckGracePeriodSeconds")
        return response

    EC2ContainerServiceResponse.create_service = create_service
