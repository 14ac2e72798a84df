"""A server that counts who asks: files must not make anything be fetched."""

import socket
import threading
from contextlib import contextmanager


@contextmanager
def listening():
    """(URL, list of what was asked): every connection is noted and closed."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.01)
        done = threading.Event()

        def serve():
            while not done.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(0.2)
                    asked.append(_line(connection))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        finally:
            done.set()
            thread.join()


def _line(connection):
    try:
        return connection.recv(256).split(b"\r\n")[0]
    except OSError as error:
        return error
