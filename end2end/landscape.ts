// An app with an environment that is enabled and deployed, made over the API for tests that are about something else.

import { api } from './clients/api.ts';
import type { Login } from './clients/kafka.ts';
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

/** What a pipeline reports that an app does. */
export type Report = { implements?: object[]; defines?: object[] };

/**
 * An app with one environment, named after its Space: enabled, with credentials, deployed. Kafka has followed. Gives
 * the credentials, and the topics of the deployment.
 */
export async function deployed(app: string, space: string, report: Report): Promise<Login & { topics: string[] }> {
  const admin = (method: string, path: string, body?: object) => api(adminToken, method, path, body);
  const environment = `/apps/${app}/environments/${space}`;
  await admin('PUT', `/apps/${app}`, { name: app, plan: 'licensed', contacts: [] });
  await admin('PUT', environment, { name: space });
  await admin('PUT', `/apps/${app}/broker`, { enabled: true });
  await admin('PUT', `${environment}/broker`, { enabled: true });
  const { username, password } = await admin('POST', `${environment}/credentials`);
  const said = await admin('PUT', `${environment}/deployment?wait=20`, {
    version: '1',
    deployed_at: new Date().toISOString(),
    defines: report.defines ?? [],
    implements: report.implements ?? [],
  });
  return { username, password, topics: said.topics.map((topic: { topic: string }) => topic.topic) };
}
