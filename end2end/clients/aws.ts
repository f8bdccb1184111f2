// AWS past the product, with the root keys of its stand-in.

import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  type Message,
} from '@aws-sdk/client-sqs';
import { account, region } from '../settings.ts';

// Endpoints and keys come from the environment, by the names that AWS gave them.
const sqs = new SQSClient({});
const iam = new IAMClient({});

export type Queue = { name: string; arn: string; canonical: string; url: string };

/** The address that people type, wherever the queue is in truth. */
export const canonical = (name: string): string => `https://sqs.${region}.amazonaws.com/${account}/${name}`;

export async function createQueue(name: string): Promise<Queue> {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  return { name, arn: `arn:aws:sqs:${region}:${account}:${name}`, canonical: canonical(name), url: QueueUrl! };
}

/** Makes these statements the whole access policy of a queue. */
export async function setPolicy(queue: Queue, statements: object[]): Promise<void> {
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statements });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: queue.url, Attributes: { Policy } }));
}

/** Takes what is in a queue, after waiting for something to come for up to some seconds. */
export async function receive(queue: Queue, seconds = 1): Promise<Message[]> {
  const ask = { QueueUrl: queue.url, WaitTimeSeconds: seconds, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] };
  return (await sqs.send(new ReceiveMessageCommand(ask))).Messages ?? [];
}

/** Puts a message into a queue, its attributes all texts. */
export async function send(queue: Queue, body: string, attributes: Record<string, string>): Promise<void> {
  const MessageAttributes = Object.fromEntries(
    Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
  );
  await sqs.send(new SendMessageCommand({ QueueUrl: queue.url, MessageBody: body, MessageAttributes }));
}

/** How many messages a queue holds, hidden ones included. */
export async function held(queue: Queue): Promise<number> {
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  const ask = new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: [...names] });
  const { Attributes } = await sqs.send(ask);
  return names.reduce((sum, name) => sum + Number(Attributes?.[name] ?? 0), 0);
}

/** The names of the roles that the product has made. */
export async function roles(): Promise<string[]> {
  const names: string[] = [];
  let Marker: string | undefined;
  do {
    const page = await iam.send(new ListRolesCommand({ PathPrefix: '/event-broker/', Marker }));
    names.push(...(page.Roles ?? []).map((role) => role.RoleName!));
    Marker = page.IsTruncated ? page.Marker : undefined;
  } while (Marker);
  return names;
}
