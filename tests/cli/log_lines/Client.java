// What java.net.http says as a client: java Client.java URL
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;

public class Client {
    public static void main(String[] arguments) throws Exception {
        var ended = new CountDownLatch(1);
        var listener = new WebSocket.Listener() {
            public CompletionStage<?> onClose(WebSocket socket, int statusCode, String reason) {
                System.out.println("onClose statusCode=" + statusCode + " reason=" + reason);
                ended.countDown();
                return null;
            }

            public void onError(WebSocket socket, Throwable error) {
                for (Throwable cause = error; cause != null; cause = cause.getCause())
                    System.out.println(cause == error ? "onError " + cause : "Caused by: " + cause);
                ended.countDown();
            }
        };
        var client = HttpClient.newHttpClient().newWebSocketBuilder();
        client.buildAsync(URI.create(arguments[0]), listener).join().sendText("ready", true);
        ended.await();
        System.exit(0);
    }
}
