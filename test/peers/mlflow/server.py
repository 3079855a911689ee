"""A real MLflow server on a free port of 127.0.0.1; arguments go to `mlflow server`.

Prints `listening <url>` when it responds. Ends with its standard input, and so with its parent process.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def main():
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    server = subprocess.Popen(command + sys.argv[1:], stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True)

    def end(*_):
        # The server has child processes: kills its process group.
        try:
            os.killpg(server.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os._exit(0)

    def end_with_parent():
        sys.stdin.buffer.read()
        end()

    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=end_with_parent, daemon=True).start()
    url = f"http://127.0.0.1:{port}"
    while server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=1).read()
            print(f"listening {url}", flush=True)
            server.wait()
        except OSError:
            time.sleep(0.1)
    end()


main()
