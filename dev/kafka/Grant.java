import java.io.FileReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * Gives the console's own principal what it needs to administer a broker, and nothing else: not one
 * right to read or write an event. What exists already is left as it is. The principal of the
 * bridges starts without any right; the console grants it one bridge at a time.
 *
 * <p>Argument: a file with the client properties of a super user.
 */
public class Grant {
    private static final String CONSOLE = "User:ebm-console";

    public static void main(String[] args) throws Exception {
        Properties client = new Properties();
        try (FileReader file = new FileReader(args[0])) {
            client.load(file);
        }
        try (Admin admin = Admin.create(client)) {
            admin.createAcls(bindings()).all().get();
        } catch (ExecutionException failed) {
            System.err.println("not granted: " + failed.getCause());
            System.exit(1);
        }
    }

    private static List<AclBinding> bindings() {
        List<AclBinding> all = new ArrayList<>();
        // Alter is also the right to create ACLs and SCRAM users.
        allow(all, ResourceType.CLUSTER, "kafka-cluster", PatternType.LITERAL,
                AclOperation.ALTER, AclOperation.DESCRIBE,
                AclOperation.ALTER_CONFIGS, AclOperation.DESCRIBE_CONFIGS);
        for (String prefix : List.of("businessevents.", "_mx_heartbeat.")) {
            allow(all, ResourceType.TOPIC, prefix, PatternType.PREFIXED,
                    AclOperation.CREATE, AclOperation.DELETE, AclOperation.DESCRIBE, AclOperation.ALTER,
                    AclOperation.ALTER_CONFIGS, AclOperation.DESCRIBE_CONFIGS);
        }
        allow(all, ResourceType.GROUP, "*", PatternType.LITERAL, AclOperation.DESCRIBE);
        return all;
    }

    private static void allow(List<AclBinding> all, ResourceType type, String name, PatternType pattern,
            AclOperation... operations) {
        for (AclOperation operation : operations) {
            all.add(new AclBinding(new ResourcePattern(type, name, pattern),
                    new AccessControlEntry(CONSOLE, "*", operation, AclPermissionType.ALLOW)));
        }
    }
}
