"""ECS: fields of a service that stock moto drops: AvailabilityZoneRebalancing, DISABLED unless asked for, and the grace period.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
"""

from moto.ecs.responses import EC2ContainerServiceResponse


def install():
    stock = EC2ContainerServiceResponse.create_service

    def create_service(self):
        answer = stock(self)
        service = answer.result["service"]
        service.availability_zone_rebalancing = self._get_param("availabilityZoneRebalancing", "DISABLED")
        service.health_check_grace_period_seconds = self._get_int_param("healthCheckGracePeriodSeconds")
        return answer

    EC2ContainerServiceResponse.create_service = create_service
