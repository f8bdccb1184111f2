// A contract of two events that an app sends, as its pipeline reports it.

export type Contract = { service: string; sent: string; other: string };

export function contractOf(suffix: string): Contract {
  return { service: `orders-${suffix}`, sent: `OrderPlaced_${suffix}`, other: `OrderCancelled_${suffix}` };
}

export function asyncapi({ service, sent, other }: Contract): object {
  const message = (name: string, title: string) => ({
    name,
    title,
    payload: { type: 'object', required: ['orderId'], properties: { orderId: { type: 'string' } } },
  });
  return {
    asyncapi: '2.6.0',
    'x-ebm-service': service,
    info: { title: `Orders ${service}`, version: '1.2.0' },
    channels: {
      orders: {
        subscribe: {
          message: { oneOf: [sent, other].map((name) => ({ $ref: `#/components/messages/${name}` })) },
        },
      },
    },
    components: {
      messages: { [sent]: message(sent, 'An order was placed'), [other]: message(other, 'An order was cancelled') },
    },
  };
}
