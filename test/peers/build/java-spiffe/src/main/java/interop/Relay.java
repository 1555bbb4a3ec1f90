package interop;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * The Workload API over TCP. Over a Unix socket java-spiffe calls with the socket's path as the authority of HTTP/2, and
 * Node's HTTP/2 answers that with PROTOCOL_ERROR before anything of ours sees the call.
 */
final class Relay {
    private Relay() {}

    /** @return the address that the library is told: {@code tcp://127.0.0.1:<port>} */
    static String to(String workloadApi) throws IOException {
        UnixDomainSocketAddress target = UnixDomainSocketAddress.of(URI.create(workloadApi).getPath());
        ServerSocket listener = new ServerSocket(0, 0, InetAddress.getByName("127.0.0.1"));
        start(() -> {
            while (true) {
                Socket caller = listener.accept();
                SocketChannel callee = SocketChannel.open(target);
                start(() -> forth(caller.getInputStream(), callee));
                start(() -> back(callee, caller.getOutputStream()));
            }
        });
        return "tcp://127.0.0.1:" + listener.getLocalPort();
    }

    private static void forth(InputStream caller, SocketChannel callee) throws IOException {
        byte[] buffer = new byte[64 * 1024];
        for (int read = caller.read(buffer); read >= 0; read = caller.read(buffer)) {
            ByteBuffer rest = ByteBuffer.wrap(buffer, 0, read);
            while (rest.hasRemaining()) callee.write(rest);
        }
    }

    private static void back(SocketChannel callee, OutputStream caller) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
        while (callee.read(buffer) >= 0) {
            caller.write(buffer.array(), 0, buffer.position());
            caller.flush();
            buffer.clear();
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException closed) {
                // Either side has gone; the other learns by its own timeout or end.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }
}
