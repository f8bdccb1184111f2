// Kafka past the product: what is in it, and what it lets a client do.

import kafkajs, { type Admin, type Producer, type SASLOptions } from 'kafkajs';
import { brokers, kafkaAdmin } from '../settings.ts';

const { Kafka, logLevel, AclResourceTypes, ResourcePatternTypes, AclOperationTypes, AclPermissionTypes } = kafkajs;

export type Login = { username: string; password: string };

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1';

function client(login: Login, to = brokers) {
  const sasl: SASLOptions = { mechanism: 'scram-sha-512', ...login };
  return new Kafka({ clientId: 'end2end', brokers: to, sasl, logLevel: logLevel.NOTHING, retry: { retries: 1 } });
}

async function asAdmin<T>(act: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = client(kafkaAdmin).admin();
  await admin.connect();
  try {
    return await act(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Names of topics that hold this text. */
export async function topics(holding: string): Promise<string[]> {
  const all = await asAdmin((admin) => admin.listTopics());
  return all.filter((name) => name.includes(holding)).sort();
}

export type Rule = { type: string; name: string; pattern: string; operation: string; permission: string; host: string };

const nameOf = (names: object, value: number): string =>
  Object.entries(names).find(([, number]) => number === value)?.[0] ?? String(value);

/** What a user is allowed or denied. */
export async function rules(user: string): Promise<Rule[]> {
  const filter = {
    resourceType: AclResourceTypes.ANY,
    resourcePatternType: ResourcePatternTypes.ANY,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
    principal: `User:${user}`,
  };
  const { resources } = await asAdmin((admin) => admin.describeAcls(filter));
  return resources.flatMap((resource) =>
    resource.acls.map((acl) => ({
      type: nameOf(AclResourceTypes, resource.resourceType),
      name: resource.resourceName,
      pattern: nameOf(ResourcePatternTypes, resource.resourcePatternType),
      operation: nameOf(AclOperationTypes, acl.operation),
      permission: nameOf(AclPermissionTypes, acl.permissionType),
      host: acl.host,
    })),
  );
}

/** Whether a user gets in; the reason of Kafka where not. */
export async function signsIn(login: Login, to = brokers): Promise<string> {
  const admin = client(login, to).admin();
  try {
    await admin.connect();
    return 'yes';
  } catch (error) {
    return String(error);
  } finally {
    await admin.disconnect();
  }
}

export type Event = { id: string; type: string; source: string; body: string };

/** Produces events, one after the other, into the same partition; `sent`, or the type of Kafka's refusal. */
export async function produce(login: Login, topic: string, events: Event[]): Promise<string> {
  const producer: Producer = client(login).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    const messages = events.map(({ id, type, source, body }) => ({
      partition: 0,
      key: id,
      value: Buffer.from(body),
      headers: {
        ce_id: id,
        ce_source: source,
        ce_specversion: '1.0',
        ce_type: type,
        'content-type': 'application/json',
      },
    }));
    await producer.send({ topic, messages });
    return 'sent';
  } catch (error) {
    for (let e: any = error; e; e = e.cause) if (e.type) return e.type;
    return String(error);
  } finally {
    await producer.disconnect();
  }
}

export type Consumed = { body: string; headers: Record<string, string> };

/** A consumer of a topic from its beginning, in a group of its own. */
export async function consume(login: Login, topic: string, groupId: string) {
  const consumer = client(login).consumer({ groupId, retry: { retries: 0 } });
  const got: Consumed[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]);
      got.push({ body: String(message.value), headers: Object.fromEntries(headers) });
    },
  });
  return { got, end: () => consumer.disconnect() };
}

/** A producer that stays connected; it tells of each event whether it was taken, or the type of Kafka's refusal. */
export async function stayConnected(login: Login, topic: string) {
  const kafka = client(login);
  const producer = kafka.producer({ allowAutoTopicCreation: false, retry: { retries: 0 } });
  await producer.connect();
  return {
    produce: async ({ id, type, source, body }: Event): Promise<string> => {
      const headers = { ce_id: id, ce_source: source, ce_specversion: '1.0', ce_type: type };
      try {
        await producer.send({ topic, messages: [{ partition: 0, key: id, value: body, headers }] });
        return 'sent';
      } catch (error) {
        for (let e: any = error; e; e = e.cause) if (e.type) return e.type;
        return String(error);
      }
    },
    end: () => producer.disconnect(),
  };
}
