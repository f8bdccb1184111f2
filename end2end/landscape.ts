// An app with an environment that is enabled and deployed, made over the API for tests that are about something else.

import { api } from './clients/api.ts';
import { asyncapi, contractOf, type Contract } from './contract.ts';
import { adminToken, unique } from './settings.ts';

export type Landscape = { app: string; environment: string; contract: Contract };

export async function landscape(): Promise<Landscape> {
  const suffix = unique();
  const app = `stock-${suffix}`;
  const contract = contractOf(suffix);
  const admin = (method: string, path: string, body: object) => api(adminToken, method, path, body);
  await admin('PUT', `/apps/${app}`, { name: `Stock ${suffix}`, plan: 'licensed', contacts: [] });
  await admin('PUT', `/apps/${app}/environments/test`, { name: 'Test' });
  await admin('PUT', `/apps/${app}/broker`, { enabled: true });
  await admin('PUT', `/apps/${app}/environments/test/broker`, { enabled: true });
  await admin('PUT', `/apps/${app}/environments/test/deployment`, {
    version: '1.0.0',
    deployed_at: new Date().toISOString(),
    defines: [asyncapi(contract)],
    implements: [],
  });
  return { app, environment: 'test', contract };
}
