package interop;

import io.spiffe.svid.jwtsvid.JwtSvid;
import io.spiffe.workloadapi.DefaultJwtSource;
import io.spiffe.workloadapi.DefaultWorkloadApiClient;
import io.spiffe.workloadapi.DefaultWorkloadApiClient.ClientOptions;
import io.spiffe.workloadapi.DefaultX509Source;
import io.spiffe.workloadapi.DefaultX509Source.X509SourceOptions;
import io.spiffe.workloadapi.JwtSource;
import io.spiffe.workloadapi.JwtSourceOptions;
import io.spiffe.workloadapi.Watcher;
import io.spiffe.workloadapi.WorkloadApiClient;
import io.spiffe.workloadapi.X509Context;
import io.spiffe.workloadapi.X509Source;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;

/** What the Workload API hands out, and tokens. */
final class Workload {
    private static final Duration INIT_TIMEOUT = Duration.ofSeconds(30);

    private Workload() {}

    static X509Source source(Map<String, String> options) throws Exception {
        return DefaultX509Source.newSource(X509SourceOptions.builder()
                .spiffeSocketPath(options.get("workload-api"))
                .initTimeout(INIT_TIMEOUT)
                .build());
    }

    static void watch(Map<String, String> options) throws Exception {
        CountDownLatch failed = new CountDownLatch(1);
        client(options).watchX509Context(new Watcher<X509Context>() {
            @Override
            public void onUpdate(X509Context update) {
                Interop.print(describe(update));
            }

            @Override
            public void onError(Throwable error) {
                Interop.print(Map.of("error", Interop.describe(error)));
                failed.countDown();
            }
        });
        failed.await();
        System.exit(0);
    }

    static void fetchToken(Map<String, String> options) throws Exception {
        Interop.print(Map.of("token", client(options).fetchJwtSvid(options.get("audience")).getToken()));
        System.exit(0);
    }

    /** Offline, by the bundles that the Workload API handed out. */
    static void validateToken(Map<String, String> options) throws Exception {
        JwtSource source = DefaultJwtSource.newSource(JwtSourceOptions.builder()
                .spiffeSocketPath(options.get("workload-api"))
                .initTimeout(INIT_TIMEOUT)
                .build());
        JwtSvid svid = JwtSvid.parseAndValidate(options.get("token"), source, Set.of(options.get("audience")));
        Interop.print(Map.of("id", svid.getSpiffeId().toString()));
        System.exit(0);
    }

    private static WorkloadApiClient client(Map<String, String> options) throws Exception {
        return DefaultWorkloadApiClient.newClient(
                ClientOptions.builder().spiffeSocketPath(options.get("workload-api")).build());
    }

    private static Map<String, Object> describe(X509Context update) {
        Map<String, Integer> bundles = new TreeMap<>();
        update.getX509BundleSet()
                .getBundles()
                .forEach((trustDomain, bundle) -> bundles.put(trustDomain.getName(), bundle.getX509Authorities().size()));
        String serial = update.getDefaultSvid().getLeaf().getSerialNumber().toString(16).toUpperCase(Locale.ROOT);
        return Map.of(
                "event", "update",
                "id", update.getDefaultSvid().getSpiffeId().toString(),
                "serial", serial,
                "bundles", bundles);
    }
}
