// A wire to the console that can be cut: whatever goes over it ends at once, as when a network is gone.

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { url } from '../settings.ts';

export type Wire = { url: string; cut: () => Promise<void>; mend: () => Promise<void> };

export async function wire(): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      open.add(one);
      one.pipe(other);
      // An end that is torn off is what this is for.
      one.on('error', () => undefined);
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
    }
  });
  let at = 0;
  const mend = async () => {
    await once(server.listen(at, hostname), 'listening');
    at = (server.address() as AddressInfo).port;
  };
  const cut = async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of open) socket.destroy();
    await closed;
  };
  await mend();
  return { url: `http://${hostname}:${at}`, cut, mend };
}
