// Whether a SCRAM user exists: kafkajs cannot ask. The few requests of Kafka's protocol that it takes
// (https://kafka.apache.org/protocol, RFC 5802).

import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { brokers, kafkaAdmin } from '../settings.ts';

const [saslHandshake, saslAuthenticate, describeUserScramCredentials] = [17, 36, 50];
const noError = 0;
const resourceNotFound = 91;

const int = (bytes: 2 | 4, value: number) => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeIntBE(value, 0, bytes);
  return buffer;
};
const string = (text: string) => Buffer.concat([int(2, Buffer.byteLength(text)), Buffer.from(text)]);
const bytes = (text: string) => Buffer.concat([int(4, Buffer.byteLength(text)), Buffer.from(text)]);

class Connection {
  private correlation = 0;
  private constructor(private readonly socket: Socket) {}

  static async open(): Promise<Connection> {
    const [host, port] = brokers[0].split(':');
    const socket = connect(Number(port), host);
    await once(socket, 'connect');
    return new Connection(socket);
  }

  close(): void {
    this.socket.destroy();
  }

  /** Sends a request, and gives what follows the correlation id of its answer. */
  async call(key: number, version: number, body: Buffer): Promise<Buffer> {
    const head = [int(2, key), int(2, version), int(4, ++this.correlation), string('end2end')];
    const request = Buffer.concat([...head, body]);
    this.socket.write(Buffer.concat([int(4, request.length), request]));
    let answer = Buffer.alloc(0);
    while (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) {
      const [chunk] = await once(this.socket, 'data');
      answer = Buffer.concat([answer, chunk]);
    }
    return answer.subarray(8);
  }

  async signIn({ username, password }: typeof kafkaAdmin): Promise<void> {
    await this.call(saslHandshake, 1, string('SCRAM-SHA-512'));
    const say = async (text: string) => {
      const answer = await this.call(saslAuthenticate, 0, bytes(text));
      if (answer.readInt16BE(0) !== noError) throw new Error(`Kafka refuses ${username}`);
      // After the error: its text, a string that is null (-1); then bytes.
      const at = 4 + Math.max(answer.readInt16BE(2), 0);
      return answer.subarray(at + 4).toString();
    };
    const first = `n=${username},r=${randomBytes(18).toString('base64')}`;
    const challenge = await say(`n,,${first}`);
    const part = (name: string) => challenge.split(',').find((p) => p.startsWith(`${name}=`))!.slice(2);
    const salted = pbkdf2Sync(password, Buffer.from(part('s'), 'base64'), Number(part('i')), 64, 'sha512');
    const hmac = (key: Buffer, text: string) => createHmac('sha512', key).update(text).digest();
    const clientKey = hmac(salted, 'Client Key');
    const last = `c=biws,r=${part('r')}`;
    const signature = hmac(createHash('sha512').update(clientKey).digest(), `${first},${challenge},${last}`);
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]));
    await say(`${last},p=${proof.toString('base64')}`);
  }
}

/** Whether Kafka knows a SCRAM user. */
export async function hasScramUser(user: string): Promise<boolean> {
  const connection = await Connection.open();
  try {
    await connection.signIn(kafkaAdmin);
    // Compact: lengths are one more than they are, and every structure ends with its tags, here none.
    const name = Buffer.from(user);
    if (name.length > 126) throw new Error('too long for one byte of length');
    const body = Buffer.concat([Buffer.from([0, 2, name.length + 1]), name, Buffer.from([0, 0])]);
    const answer = await connection.call(describeUserScramCredentials, 0, body);
    // Tags of the header, throttle time, error, its text, length of the results; then name and error of the first.
    let at = 1 + 4;
    if (answer.readInt16BE(at) !== noError) throw new Error(`DescribeUserScramCredentials: ${answer.readInt16BE(at)}`);
    at += 2;
    at += Math.max(answer[at], 1) + 1;
    at += answer[at];
    const error = answer.readInt16BE(at);
    if (error !== noError && error !== resourceNotFound) throw new Error(`DescribeUserScramCredentials: ${error}`);
    return error === noError;
  } finally {
    connection.close();
  }
}
