package interop;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import io.spiffe.provider.SpiffeSslContextFactory;
import io.spiffe.provider.SpiffeSslContextFactory.SslContextOptions;
import io.spiffe.spiffeid.SpiffeId;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;

/** HTTP/1.1 of the JDK over the SSLContext of java-spiffe. */
final class Https {
    private static final int URI_NAME = 6;

    private Https() {}

    static void serve(Map<String, String> options) throws Exception {
        HttpsServer server = HttpsServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(context(options)) {
            @Override
            public void configure(HttpsParameters parameters) {
                SSLParameters tls = getSSLContext().getDefaultSSLParameters();
                tls.setNeedClientAuth(true);
                parameters.setSSLParameters(tls);
            }
        });
        server.createContext("/", Https::greet);
        server.start();
        Interop.print(Map.of("event", "listening", "port", server.getAddress().getPort()));
    }

    static void call(Map<String, String> options) throws Exception {
        HttpClient client =
                HttpClient.newBuilder().sslContext(context(options)).version(HttpClient.Version.HTTP_1_1).build();
        HttpRequest request = HttpRequest.newBuilder(URI.create("https://" + options.get("address") + "/")).build();
        Interop.print(Map.of("body", client.send(request, BodyHandlers.ofString()).body()));
        // The library's threads don't end by themselves.
        System.exit(0);
    }

    private static SSLContext context(Map<String, String> options) throws Exception {
        SpiffeId authorized = SpiffeId.parse(options.get("authorize"));
        // The library's own default is TLS 1.2.
        return SpiffeSslContextFactory.getSslContext(SslContextOptions.builder()
                .sslProtocol("TLSv1.3")
                .x509Source(Workload.source(options))
                .acceptedSpiffeIdsSupplier(() -> Set.of(authorized))
                .build());
    }

    private static void greet(HttpExchange exchange) throws IOException {
        X509Certificate leaf =
                (X509Certificate) ((HttpsExchange) exchange).getSSLSession().getPeerCertificates()[0];
        String peer = idOf(leaf);
        Interop.print(Map.of("event", "request", "peer", peer));
        byte[] body = ("Hello " + peer).getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    /** Of a certificate that the library has verified: its one URI. */
    private static String idOf(X509Certificate leaf) throws IOException {
        try {
            return leaf.getSubjectAlternativeNames().stream()
                    .filter(name -> name.get(0).equals(URI_NAME))
                    .map(name -> (String) name.get(1))
                    .findFirst()
                    .orElseThrow();
        } catch (CertificateParsingException error) {
            throw new IOException(error);
        }
    }
}
