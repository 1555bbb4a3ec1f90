package interop;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.grpc.protobuf.services.HealthStatusManager;
import io.spiffe.provider.SpiffeKeyManager;
import io.spiffe.provider.SpiffeTrustManager;
import io.spiffe.spiffeid.SpiffeId;
import io.spiffe.workloadapi.X509Source;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Set;

/** {@code grpc.health.v1.Health} of grpc-java over JSSE, with the key and trust managers of java-spiffe. */
final class Grpc {
    private Grpc() {}

    static void serve(Map<String, String> options) throws Exception {
        X509Source source = Workload.source(options);
        SslContextBuilder tls =
                SslContextBuilder.forServer(new SpiffeKeyManager(source)).clientAuth(ClientAuth.REQUIRE);
        Server server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
                .sslContext(trusting(tls, source, options))
                .addService(new HealthStatusManager().getHealthService())
                .build()
                .start();
        Interop.print(Map.of("event", "listening", "port", server.getPort()));
        server.awaitTermination();
    }

    static void call(Map<String, String> options) throws Exception {
        X509Source source = Workload.source(options);
        SslContextBuilder tls = SslContextBuilder.forClient().keyManager(new SpiffeKeyManager(source));
        ManagedChannel channel = NettyChannelBuilder.forTarget(options.get("address"))
                .sslContext(trusting(tls, source, options))
                .build();
        HealthGrpc.HealthBlockingStub client = HealthGrpc.newBlockingStub(channel);
        HealthCheckRequest request = HealthCheckRequest.getDefaultInstance();
        String checked = client.check(request).getStatus().name();
        String watched = client.watch(request).next().getStatus().name();
        if (!checked.equals(watched)) throw new IllegalStateException("Check says " + checked + ", Watch " + watched);
        Interop.print(Map.of("body", checked));
        // The library's threads don't end by themselves.
        System.exit(0);
    }

    private static SslContext trusting(SslContextBuilder tls, X509Source source, Map<String, String> options)
            throws Exception {
        SpiffeId authorized = SpiffeId.parse(options.get("authorize"));
        tls.trustManager(new SpiffeTrustManager(source, () -> Set.of(authorized)));
        return GrpcSslContexts.configure(tls, SslProvider.JDK).build();
    }
}
