"""py-spiffe as a peer of the tests in test/peers: what the commands do and print stands in test/peers/language-peer.ts.

Each prints JSON lines, and serves on a free port of 127.0.0.1 until it is told to stop. There is no gRPC: grpcio has its
own TLS, which spiffe-tls does not reach.
"""

import argparse
import http.client
import json
import signal
import threading
from http.server import BaseHTTPRequestHandler

from cryptography.x509 import SubjectAlternativeName, UniformResourceIdentifier
from OpenSSL import SSL
from spiffe import JwtSource, JwtSvid, SpiffeId, WorkloadApiClient, X509Source
from spiffetls import ListenOptions, ServerTlsMode, dial, listen
from spiffetls.stdlib_context import WrappedSocket
from spiffetls.tlsconfig.authorize import authorize_id


def emit(**line):
    print(json.dumps(line), flush=True)


def peer_of(connection):
    """Of a peer that the library has verified and authorized: its one URI."""
    extensions = connection.get_peer_certificate().to_cryptography().extensions
    names = extensions.get_extension_for_class(SubjectAlternativeName).value
    return names.get_values_for_type(UniformResourceIdentifier)[0]


def https_server(options):
    source = X509Source(socket_path=options.workload_api, timeout_in_seconds=30)
    named = authorize_id(SpiffeId(options.authorize))
    listener = listen("127.0.0.1:0", source, ListenOptions(tls_mode=ServerTlsMode.MTLS, authorize_fn=named))
    emit(event="listening", port=listener.getsockname()[1])
    while True:
        connection, address = listener.accept()
        threading.Thread(target=serve_one, args=(connection, address), daemon=True).start()


def serve_one(connection, address):
    try:
        connection.do_handshake()
    except SSL.Error as error:
        emit(event="refused", reason=repr(error))
        connection.close()
        return
    try:
        Greeting(WrappedSocket(connection, connection), address, None)
        connection.shutdown()
    except (SSL.Error, OSError) as error:
        emit(text=f"connection ended: {error!r}")
    finally:
        connection.close()


class Greeting(BaseHTTPRequestHandler):
    """Answers with the peer's ID. One request on a connection."""

    def do_GET(self):  # noqa: N802, the name is the base class's
        peer = peer_of(self.request.connection)
        emit(event="request", peer=peer)
        body = f"Hello {peer}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


def https_client(options):
    source = X509Source(socket_path=options.workload_api, timeout_in_seconds=30)
    connection = dial(options.address, source, authorize_fn=authorize_id(SpiffeId(options.authorize)))
    client = http.client.HTTPConnection(options.address)
    client.sock = WrappedSocket(connection, connection)
    client.request("GET", "/", headers={"Connection": "close"})
    emit(body=client.getresponse().read().decode())


def watch(options):
    failed = threading.Event()

    def on_success(context):
        bundles = {str(it.trust_domain): len(it.x509_authorities) for it in context.x509_bundle_set.bundles}
        svid = context.default_svid
        emit(event="update", id=str(svid.spiffe_id), serial=f"{svid.leaf.serial_number:X}", bundles=bundles)

    def on_error(error):
        emit(error=str(error))
        failed.set()

    WorkloadApiClient(options.workload_api).stream_x509_contexts(on_success, on_error)
    failed.wait()


def jwt_fetch(options):
    emit(token=WorkloadApiClient(options.workload_api).fetch_jwt_svid({options.audience}).token)


def jwt_validate(options):
    """Offline, by the bundle of the token's trust domain that the Workload API handed out."""
    source = JwtSource(socket_path=options.workload_api, timeout_in_seconds=30)
    claimed = JwtSvid.parse_insecure(options.token, {options.audience})
    bundle = source.get_bundle_for_trust_domain(claimed.spiffe_id.trust_domain)
    emit(id=str(JwtSvid.parse_and_validate(options.token, bundle, {options.audience}).spiffe_id))


COMMANDS = {it.__name__.replace("_", "-"): it for it in (https_server, https_client, watch, jwt_fetch, jwt_validate)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=COMMANDS)
    for flag in ("workload-api", "authorize", "address", "audience", "token"):
        parser.add_argument(f"--{flag}")
    options = parser.parse_args()
    # The library's threads don't end by themselves.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        COMMANDS[options.command](options)
    except Exception as error:  # A peer that is refused is an answer, not a failure of this program.
        emit(error=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
