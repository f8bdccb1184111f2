// What the tests are told by their environment: the lines of `dev/state/env`.

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: source dev/state/env first`);
  return value;
}

export const url = setting('EBM_URL');
export const adminToken = setting('EBM_ADMIN_TOKEN');
export const viewer = { email: setting('EBM_VIEWER_EMAIL'), password: setting('EBM_VIEWER_PASSWORD') };
export const admin = { email: setting('EBM_ADMIN_EMAIL'), password: setting('EBM_ADMIN_PASSWORD') };

export const brokers = setting('EBM_KAFKA__BOOTSTRAP_SERVERS').split(',');
export const kafkaAdmin = { username: setting('KAFKA_ADMIN_USER'), password: setting('KAFKA_ADMIN_PASSWORD') };
export const worker = process.env.EBM_KAFKA__WORKER_USERNAME ?? 'ebm-worker';

export const region = setting('AWS_REGION');
export const account = setting('AWS_ACCOUNT_ID');

// The first admin, whose one-time link the setup uses up.
export const firstAdmin = { email: 'first@example.test', password: 'the first password of all' };
export const firstLink = (): string => setting('EBM_FIRST_ADMIN_LINK');

// Sets one run, and one project of it, apart from others on the same servers.
export const unique = (): string => Date.now().toString(36).slice(-5) + Math.floor(Math.random() * 36).toString(36);
