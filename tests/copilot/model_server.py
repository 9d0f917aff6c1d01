"""A server with the chat interface of language models, which answers as a test wants."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from gateway.copilot.phrasing.options import PhrasingOptions
from gateway.transport.http_requests import Endpoint

WORDS = "sentences"


def chat(text):
    """Return the body of an answer with a text."""
    document = {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}
    return json.dumps(document).encode()


def joined(text):
    """Write an answer as a careful model would: sentences joined, words of content as they are."""
    return text[:-1].replace(". ", ", ", 1) + "."


class ModelServer:
    """``reply``: gets the computed text and the handler; returns the body, or None where it has answered itself."""

    def __init__(self):
        self.reply = lambda text, _handler: chat(text)
        self.requests = []
        self.let_go = threading.Event()  # of who hangs

    def options(self, **changes):
        """Return how it is asked."""
        endpoint = Endpoint(scheme="http", host="127.0.0.1", port=self.port, base="/v1",
                            timeout_seconds=changes.get("timeout_seconds", 20.0),
                            headers={"Authorization": "Bearer secret-token"})  # fmt: skip
        fields = {"model": "m-1", "max_tokens": 300, "timeout_seconds": 20.0, "per_minute": 600, **changes}
        return PhrasingOptions(endpoint=endpoint, **fields)


@contextmanager
def model_server():
    """Serve until the block ends."""
    state = ModelServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            document = json.loads(body)
            state.requests.append((self.path, dict(self.headers), document))
            computed = json.loads(document["messages"][1]["content"])[WORDS]
            answer = state.reply(computed, self)
            if answer is not None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    server.handle_error = lambda *_arguments: None
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
