package interop;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.util.HashMap;
import java.util.Map;

/**
 * java-spiffe as a peer of the tests in test/peers: what the commands do and print stands in
 * test/peers/language-peer.ts. Each prints JSON lines, and serves on a free port of 127.0.0.1 until it is told to stop.
 */
public final class Interop {
    private static final Gson JSON = new GsonBuilder().disableHtmlEscaping().create();

    private Interop() {}

    interface Command {
        void run(Map<String, String> options) throws Exception;
    }

    private static final Map<String, Command> COMMANDS = Map.of(
            "https-server", Https::serve,
            "https-client", Https::call,
            "grpc-server", Grpc::serve,
            "grpc-client", Grpc::call,
            "watch", Workload::watch,
            "jwt-fetch", Workload::fetchToken,
            "jwt-validate", Workload::validateToken);

    public static void main(String[] args) {
        // The library logs each update to standard error.
        java.util.logging.LogManager.getLogManager().reset();
        try {
            Map<String, String> options = parse(args);
            options.put("workload-api", Relay.to(options.get("workload-api")));
            COMMANDS.get(args[0]).run(options);
        } catch (Exception error) {
            // A peer that is refused is an answer, not a failure of this program.
            print(Map.of("error", describe(error)));
            System.exit(0);
        }
    }

    static synchronized void print(Map<String, ?> line) {
        System.out.println(JSON.toJson(line));
    }

    /** With its causes: the HTTP client and gRPC wrap what JSSE says. */
    static String describe(Throwable error) {
        String cause = error.getCause() == null ? "" : ": " + describe(error.getCause());
        return error + cause;
    }

    private static Map<String, String> parse(String[] args) {
        Map<String, String> options = new HashMap<>();
        for (int index = 1; index + 1 < args.length; index += 2) options.put(args[index].substring(2), args[index + 1]);
        return options;
    }
}
