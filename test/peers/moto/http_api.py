"""HTTP APIs: one route per key, and lists in pages; stock moto has neither."""

import json
import threading

from moto.apigatewayv2.models import Api
from moto.apigatewayv2.responses import ApiGatewayV2Response
from moto.core.exceptions import JsonRESTError

lock = threading.RLock()
PAGE = 3


class Conflict(JsonRESTError):
    code = 409

    def __init__(self, message):
        super().__init__("ConflictException", message)


def refuse_second_route():
    """https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-routes.html"""
    stock = Api.create_route

    def create_route(self, *args, **kwargs):
        with lock:
            key = kwargs["route_key"]
            if any(route.route_key == key for route in self.routes.values()):
                raise Conflict(f"Route with key {key} already exists for this API")
            return stock(self, *args, **kwargs)

    Api.create_route = create_route


def page_lists():
    def paginate(stock):
        def list_page(self):
            status, headers, body = stock(self)
            items = json.loads(body)["items"]
            start = int(self.querystring.get("nextToken", ["0"])[0])
            page = {"items": items[start : start + PAGE]}
            if start + PAGE < len(items):
                page["nextToken"] = str(start + PAGE)
            return status, headers, json.dumps(page)

        return list_page

    ApiGatewayV2Response.get_routes = paginate(ApiGatewayV2Response.get_routes)
    ApiGatewayV2Response.get_integrations = paginate(ApiGatewayV2Response.get_integrations)


def install():
    refuse_second_route()
    page_lists()
