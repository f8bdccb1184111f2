import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.io.FileReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterUserScramCredentialsResult;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialAlteration;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * Makes topics, users and ACLs with Kafka's own client, in batches of given sizes, one after the other.
 *
 * <p>What there is to make lies in a queue, from which one thread takes as much as a batch holds, and waits so long for
 * more. Says as JSON how long it took without the hashing of the passwords, which this client cannot leave out: EBM has
 * hashed them long before.
 *
 * <p>Arguments: a file with the client's properties; the file of what to make; topics, ACLs and users of a batch;
 * milliseconds to wait for more; and which part of everything is made: 10 for a tenth.
 */
public class Batches {
    private static final int ITERATIONS = 4096;

    private static final List<NewTopic> topics = new ArrayList<>();
    private static final List<AclBinding> acls = new ArrayList<>();
    private static final List<String> users = new ArrayList<>();

    private interface Call<T> {
        void make(List<T> batch) throws Exception;
    }

    public static void main(String[] args) throws Exception {
        Properties client = new Properties();
        try (FileReader file = new FileReader(args[0])) {
            client.load(file);
        }
        for (String line : Files.readAllLines(Path.of(args[1]))) {
            read(line.split("\t"));
        }
        long linger = TimeUnit.MILLISECONDS.toNanos(Long.parseLong(args[5]));
        int part = Integer.parseInt(args[6]);
        long[] hashing = new long[2];

        long began = System.nanoTime();
        long cpu = processCpu();
        try (Admin admin = Admin.create(client)) {
            inBatches(topics, part, Integer.parseInt(args[2]), linger, batch -> admin.createTopics(batch).all().get());
            inBatches(users, part, Integer.parseInt(args[4]), linger, batch -> {
                List<UserScramCredentialAlteration> credentials = new ArrayList<>();
                for (String user : batch) {
                    credentials.add(credential(user));
                }
                long wallBefore = System.nanoTime();
                long cpuBefore = threadCpu();
                // Hashes before it returns.
                AlterUserScramCredentialsResult stored = admin.alterUserScramCredentials(credentials);
                hashing[0] += System.nanoTime() - wallBefore;
                hashing[1] += threadCpu() - cpuBefore;
                stored.all().get();
            });
            inBatches(acls, part, Integer.parseInt(args[3]), linger, batch -> admin.createAcls(batch).all().get());
            System.out.printf(Locale.ROOT, "{\"wall\": %.4f, \"cpu\": %.4f, \"hashing\": %.4f}%n",
                    (System.nanoTime() - began - hashing[0]) / 1e9, (processCpu() - cpu - hashing[1]) / 1e9,
                    hashing[1] / 1e9);
        }
    }

    private static void read(String[] fields) {
        switch (fields[0]) {
            case "topic" -> {
                Map<String, String> configs = new HashMap<>();
                for (int at = 4; at < fields.length; at++) {
                    String[] pair = fields[at].split("=", 2);
                    configs.put(pair[0], pair[1]);
                }
                topics.add(new NewTopic(fields[1], Integer.parseInt(fields[2]), Short.parseShort(fields[3]))
                        .configs(configs));
            }
            case "acl" -> acls.add(new AclBinding(
                    new ResourcePattern(ResourceType.fromCode(Byte.parseByte(fields[2])), fields[3],
                            PatternType.fromCode(Byte.parseByte(fields[4]))),
                    new AccessControlEntry(fields[1], "*", AclOperation.fromCode(Byte.parseByte(fields[5])),
                            AclPermissionType.ALLOW)));
            case "user" -> users.add(fields[1]);
            default -> throw new IllegalArgumentException(fields[0]);
        }
    }

    private static UserScramCredentialUpsertion credential(String user) {
        return new UserScramCredentialUpsertion(user, new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS),
                "a password for measuring".getBytes(StandardCharsets.UTF_8), new byte[32]);
    }

    private static <T> void inBatches(List<T> all, int part, int size, long linger, Call<T> call) throws Exception {
        BlockingQueue<T> queue = new LinkedBlockingQueue<>(all.subList(0, all.size() / part));
        while (!queue.isEmpty()) {
            List<T> batch = new ArrayList<>();
            long until = System.nanoTime() + linger;
            while (batch.size() < size) {
                T next = queue.poll(until - System.nanoTime(), TimeUnit.NANOSECONDS);
                if (next == null) {
                    break;
                }
                batch.add(next);
            }
            call.make(batch);
        }
    }

    private static long processCpu() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static long threadCpu() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }
}
