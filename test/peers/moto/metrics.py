"""CloudWatch: log lines in the embedded metric format become metrics, and statistics follow AWS.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import collections
import datetime
import json
import math

from moto.cloudwatch.models import CloudWatchBackend, MetricDatum
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.logs.models import LogsBackend


def read_data(line, fallback_millis):
    """The data of a log line: each metric under each of its dimension sets."""
    try:
        entry = json.loads(line)
        directives = entry["_aws"]["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):
        return
    millis = entry["_aws"].get("Timestamp", fallback_millis)
    # CloudWatch stores metrics of standard resolution by the minute.
    minute = datetime.datetime.fromtimestamp(millis // 60_000 * 60, tz=datetime.timezone.utc).replace(tzinfo=None)
    for directive in directives:
        for keys in directive["Dimensions"]:
            if len(keys) > 30 or len(directive["Metrics"]) > 100:
                return  # CloudWatch drops the whole line
            dimensions = [{"Name": key, "Value": str(entry[key])} for key in keys]
            for metric in directive["Metrics"]:
                values = entry[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield MetricDatum(directive["Namespace"], metric["Name"], float(value), dimensions, minute, metric.get("Unit", "None"))


class LogMetrics:
    """An account's metrics from log lines: values by the minute, so that a query reads only its own metric."""

    def __init__(self):
        self.metrics = collections.defaultdict(lambda: collections.defaultdict(list))

    def add(self, datum):
        self.metrics[to_key(datum.namespace, datum.name, [(each.name, each.value) for each in datum.dimensions])][
            datum.timestamp
        ].append(datum.value)


def to_key(namespace, name, dimensions):
    return namespace, name, frozenset(dimensions)


log_metrics = collections.defaultdict(LogMetrics)


def get_log_metrics(backend):
    return log_metrics[backend.account_id, backend.region_name]


def take_metrics_from_logs():
    stock = LogsBackend.put_log_events

    def put_log_events(self, log_group_name, log_stream_name, log_events):
        response = stock(self, log_group_name, log_stream_name, log_events)
        account_metrics = log_metrics[self.account_id, self.region_name]
        for event in log_events:
            for datum in read_data(event["message"], event["timestamp"]):
                account_metrics.add(datum)
        return response

    LogsBackend.put_log_events = put_log_events


def same_dimensions(datum, dimensions):
    return sorted((each.name, each.value) for each in datum.dimensions) == sorted((each["Name"], each["Value"]) for each in dimensions)


def percentile(values, percent):
    """Nearest rank. AWS interpolates in its histogram, so its value is close but not always equal."""
    return values[max(0, math.ceil(round(percent / 100 * len(values), 9)) - 1)]


plain = {"Sum": math.fsum, "SampleCount": len, "Minimum": min, "Maximum": max, "Average": lambda values: math.fsum(values) / len(values)}


def naive(moment):
    return moment.replace(tzinfo=None, second=0, microsecond=0)


def read_periods(backend, metric, start, end, period):
    """Time and sorted values of each period with data, counted from the start; dimensions match exactly."""
    periods = {}
    for datum in backend.metric_data:
        matches = datum.namespace == metric["Namespace"] and datum.name == metric["MetricName"]
        if matches and start <= datum.timestamp < end and same_dimensions(datum, metric.get("Dimensions") or []):
            periods.setdefault(int((datum.timestamp - start).total_seconds()) // period, []).append(datum.value)
    dimensions = [(each["Name"], each["Value"]) for each in metric.get("Dimensions") or []]
    minutes = get_log_metrics(backend).metrics.get(to_key(metric["Namespace"], metric["MetricName"], dimensions), {})
    for minute, values in list(minutes.items()):
        if start <= minute < end:
            periods.setdefault(int((minute - start).total_seconds()) // period, []).extend(values)
    return [(start + datetime.timedelta(seconds=index * period), sorted(values)) for index, values in sorted(periods.items())]


def statistics_from_start():
    """GetMetricStatistics and GetMetricData: namespaces and exact dimension sets, periods counted from StartTime,
    percentiles, and pages (of 100 metrics; AWS's depend on the number of datapoints).

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
    """

    def get_metric_statistics(self):
        get = self._get_param
        metric = {"Namespace": get("Namespace"), "MetricName": get("MetricName"), "Dimensions": get("Dimensions", [])}
        periods = read_periods(self.cloudwatch_backend, metric, naive(get("StartTime")), naive(get("EndTime")), self._get_int_param("Period"))
        points = []
        for time, values in periods:
            point = {"Timestamp": time, "Unit": "None"}
            point.update({name: float(plain[name](values)) for name in get("Statistics", []) or []})
            extended = get("ExtendedStatistics", []) or []
            # AWS computes no percentiles of a metric with negative values.
            if extended and values[0] >= 0:
                point["ExtendedStatistics"] = {name: percentile(values, float(name[1:])) for name in extended}
            points.append(point)
        return ActionResult({"Label": get("MetricName"), "Datapoints": points})

    stock = CloudWatchResponse.get_metric_data

    def get_metric_data(self):
        params = self._get_params()
        queries = params.get("MetricDataQueries", [])
        if not all(query.get("MetricStat", {}).get("Stat") in plain for query in queries):
            return stock(self)  # expressions
        first = int(params.get("NextToken") or 0)
        results = []
        for query in queries[first : first + 100]:
            stat = query["MetricStat"]
            start, end = naive(params["StartTime"]), naive(params["EndTime"])
            periods = read_periods(self.cloudwatch_backend, stat["Metric"], start, end, int(stat["Period"]))
            results.append(
                {
                    "Id": query["Id"],
                    "Label": stat["Metric"]["MetricName"],
                    "Timestamps": [time for time, _ in periods],
                    "Values": [float(plain[stat["Stat"]](values)) for _, values in periods],
                    "StatusCode": "Complete",
                }
            )
        more = first + 100 < len(queries)
        return ActionResult({"MetricDataResults": results, "NextToken": str(first + 100) if more else None})

    CloudWatchResponse.get_metric_statistics = get_metric_statistics
    CloudWatchResponse.get_metric_data = get_metric_data


def list_each_once():
    """ListMetrics reads each datum once; stock moto compares each with all listed metrics."""

    def get_filtered_metrics(self, metric_name, namespace, dimensions):
        requested = {(each["Name"], each.get("Value")) for each in dimensions or []}
        metrics = {}
        for datum in self.metric_data:
            if (namespace and datum.namespace != namespace) or (metric_name and datum.name != metric_name):
                continue
            pairs = {(each.name, each.value) for each in datum.dimensions}
            if requested <= pairs:
                metrics.setdefault((datum.namespace, datum.name, frozenset(pairs)), datum)
        for key in list(get_log_metrics(self).metrics):
            key_namespace, name, pairs = key
            matches = (not namespace or key_namespace == namespace) and (not metric_name or name == metric_name)
            if matches and requested <= pairs:
                dimensions = [{"Name": each, "Value": value} for each, value in sorted(pairs)]
                metrics.setdefault(key, MetricDatum(key_namespace, name, 0, dimensions, None))
        return list(metrics.values())

    CloudWatchBackend.get_filtered_metrics = get_filtered_metrics


def install():
    take_metrics_from_logs()
    statistics_from_start()
    list_each_once()
