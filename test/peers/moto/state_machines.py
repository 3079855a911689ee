"""Step Functions: enables moto's interpreter; its tokens, stops, pages and waits follow AWS."""

import datetime
import json
import threading
import time
import types

from moto.core.config import default_user_config
from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.exceptions import AWSError
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_unsupported import StateTaskServiceUnsupported
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackOutcomeFailure, CallbackOutcomeSuccess
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from steps import post

lock = threading.RLock()


class TaskTimedOut(AWSError):
    TYPE = "TaskTimedOut"
    STATUS = 400


class InvalidToken(AWSError):
    TYPE = "InvalidToken"
    STATUS = 400


def complete_task(backend, token, outcome):
    """A token accepts one outcome: later ones, and those after the execution's end, are TaskTimedOut.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
    """
    for execution in backend._get_executions():
        env = execution.exec_worker.env
        endpoint = env.callback_pool_manager.get(token) if env else None
        if endpoint is None:
            continue
        with lock:
            waits = execution.status == "RUNNING" and endpoint.get_outcome() is None and endpoint.consumer_error is None
            if not (waits and env.is_running()):
                raise TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'")
            endpoint.notify(outcome)
        return
    raise InvalidToken("Invalid Token: 'Invalid token'")


def complete_once():
    def send_task_success(self):
        token = self._get_param("taskToken")
        complete_task(self.stepfunction_backend, token, CallbackOutcomeSuccess(token, self._get_param("output")))
        return EmptyResult()

    def send_task_failure(self):
        token = self._get_param("taskToken")
        # Stock moto drops the cause.
        outcome = CallbackOutcomeFailure(token, self._get_param("error"), self._get_param("cause"))
        complete_task(self.stepfunction_backend, token, outcome)
        return EmptyResult()

    StepFunctionResponse.send_task_success = send_task_success
    StepFunctionResponse.send_task_failure = send_task_failure


def stop_at_once():
    """StopExecution ends an execution that waits for a token, and stores its error and cause.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html
    """
    stock_reflect = BaseExecutionWorkerCommunication._reflect_execution_status
    stock_error = Environment.set_error

    def reflect(self):
        stock_reflect(self)
        state = self.execution.exec_worker.env.program_state()
        if isinstance(state, ProgramStopped):
            self.execution.error, self.execution.cause = state.error, state.cause

    def stop_execution(self):
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        now = datetime.datetime.now(tz=datetime.timezone.utc)
        with lock:
            execution.stop(stop_date=now, error=self._get_param("error"), cause=self._get_param("cause"))
            for endpoint in list(execution.exec_worker.env.callback_pool_manager._pool.values()):
                endpoint.interrupt_all()
        return ActionResult({"stopDate": now})

    def set_error(self, error):
        # An error of the woken task after the stop does not end the execution again.
        return stock_error(self, error) if self.is_running() else None

    BaseExecutionWorkerCommunication._reflect_execution_status = reflect
    StepFunctionResponse.stop_execution = stop_execution
    Environment.set_error = set_error


def start_once():
    """Of several StartExecution calls with one name at once, one starts (stock moto checks, then appends)."""
    stock = StepFunctionsParserBackend.start_execution

    def start_execution(self, *args, **kwargs):
        with lock:
            return stock(self, *args, **kwargs)

    StepFunctionsParserBackend.start_execution = start_execution


def page_history():
    """GetExecutionHistory in pages of maxResults (AWS: default 100, at most 1,000) and in reverse.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
    """

    def get_execution_history(self):
        events = self.stepfunction_backend.get_execution_history(self._get_param("executionArn"))["events"]
        if self._get_param("reverseOrder"):
            events = list(reversed(events))
        size = self._get_int_param("maxResults") or 100
        start = int(self._get_param("nextToken") or 0)
        page = {"events": events[start : start + size]}
        if start + size < len(events):
            page["nextToken"] = str(start + size)
        return ActionResult(page)

    StepFunctionResponse.get_execution_history = get_execution_history


def add_missing_calls():
    StepFunctionResponse.validate_state_machine_definition = lambda self: ActionResult({"result": "OK", "diagnostics": []})
    StepFunctionResponse.list_state_machine_versions = lambda self: ActionResult({"stateMachineVersions": []})


def create_build_failure(env, cause):
    """A failed build is States.TaskFailed, its Cause the build.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html
    """
    name = StatesErrorName(typ=StatesErrorNameType.StatesTaskFailed)
    details = TaskFailedEventDetails(
        resourceType="codebuild", resource="startBuild.sync", error=name.error_name, cause=cause
    )
    return FailureEvent(
        env=env,
        error_name=name,
        event_type=HistoryEventType.TaskFailed,
        event_details=EventDetails(taskFailedEventDetails=details),
    )


def build_with(steps):
    """codebuild:startBuild.sync, which stock moto has only without .sync: POST /codebuild/startBuild returns the result."""

    class CodeBuildSync(StateTaskServiceUnsupported):
        def __init__(self):
            super().__init__()
            self._supported_integration_patterns = {ResourceCondition.Sync, ResourceCondition.WaitForTaskToken}

        def _eval_service_task(self, env, resource_runtime_part, normalised_parameters, state_credentials):
            env.stack.append({})

        def _build_sync_resolver(self, env, resource_runtime_part, normalised_parameters, state_credentials):
            env.stack.pop()

            def resolve():
                body = json.dumps(normalised_parameters).encode()
                error, payload = post(f"{steps}/codebuild/startBuild", body, resource_runtime_part.account)
                if error:
                    raise FailureEventException(create_build_failure(env, payload.decode()))
                return json.loads(payload)

            return resolve

    stock = state_task_service_factory.state_task_service_for

    def service_for(service_name):
        return CodeBuildSync() if service_name == "codebuild" else stock(service_name)

    state_task_service_factory.state_task_service_for = service_for
    state_task_factory.state_task_service_for = service_for


def scale_waits(scale):
    """With TIME_SCALE=60 a minute of Wait, or between two attempts, takes a second; tasks have AWS's timeouts."""

    def wait(self, env, wait_seconds):
        env.program_state_event.wait(wait_seconds / scale)

    WaitFunction._wait_interval = wait
    retrier_decl.time = types.SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / scale))


def extend_timeouts(factor):
    """With TASK_PATIENCE=5 tasks have five times their timeout; an approval's own timeout does not change."""
    stock = TimeoutSeconds._eval_seconds
    TimeoutSeconds._eval_seconds = lambda self, env: stock(self, env) * factor


def install(steps, time_scale, patience):
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    complete_once()
    stop_at_once()
    start_once()
    page_history()
    add_missing_calls()
    if steps:
        build_with(steps)
    if time_scale != 1:
        scale_waits(time_scale)
    if patience != 1:
        extend_timeouts(patience)
