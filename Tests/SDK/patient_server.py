"""An HTTP server on a free port of the loopback, which it prints. It answers once N requests wait, and ends then."""
import socket
import sys

count = int(sys.argv[1])
with socket.create_server(("127.0.0.1", 0), backlog=count) as server:
    server.settimeout(120)
    print(server.getsockname()[1], flush=True)
    clients = [server.accept()[0] for _ in range(count)]
    for client in clients:
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(4096)
        client.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        client.close()
