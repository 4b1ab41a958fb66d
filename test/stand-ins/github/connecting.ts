import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Permissions, testKey } from './apps.ts';
import { contractOf } from './contract.ts';
import type { GitHub } from './github.ts';
import { notFound } from './refusal.ts';
import { type Routes, route } from './rest.ts';
import { describeUser } from './views.ts';

interface Manifest {
  name: string;
  url: string;
  hook_attributes?: { url: string; active?: boolean };
  redirect_url?: string;
  public?: boolean;
  default_permissions?: Permissions;
  default_events?: string[];
}

/** Manifests that people have agreed to, by the code that their browser brought back; each counts once. */
const agreed = new WeakMap<GitHub, Map<string, { manifest: Manifest; owner: string }>>();

const codesOf = (github: GitHub) => {
  const known = agreed.get(github) ?? new Map<string, { manifest: Manifest; owner: string }>();
  agreed.set(github, known);
  return known;
};

/** The page that takes a manifest. */
export const appForm = /^(?:\/organizations\/([^/]+))?\/settings\/apps\/new$/;

/** A person who presses its button at once. What the real one refuses is a page with status 422 here. */
export async function answerAppForm(github: GitHub, from: IncomingMessage, to: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(from.url ?? '/', github.url);
  const [, org] = appForm.exec(pathname) ?? [];
  const chunks: Buffer[] = [];
  for await (const chunk of from) chunks.push(chunk);
  const manifest = JSON.parse(new URLSearchParams(Buffer.concat(chunks).toString('utf8')).get('manifest') ?? 'null');
  const problems = problemsOf(manifest);
  if (problems.length > 0) {
    to.writeHead(422, { 'content-type': 'text/plain' }).end(problems.join('\n'));
    return;
  }
  const code = randomBytes(20).toString('hex');
  codesOf(github).set(code, { manifest, owner: org ?? 'a-person' });
  const back = new URL(manifest.redirect_url);
  back.searchParams.set('code', code);
  back.searchParams.set('state', searchParams.get('state') ?? '');
  to.writeHead(302, { location: back.href }).end();
}

function problemsOf(manifest: Manifest | null): string[] {
  if (!manifest?.name || !manifest.url) return ['A name and a url are needed.'];
  const { name, hook_attributes: hook, default_permissions: permissions = {}, default_events: events = [] } = manifest;
  const known = contractOf('openapi-types').schema('app-permissions');
  const names = known.kind === 'object' ? known.properties : new Map();
  const told = new Set(
    contractOf('openapi-webhooks-types')
      .ids()
      .map((id) => id.split('/')[0]),
  );
  const isEvent = (event: string) => told.has(event.replaceAll('_', '-')) && !event.startsWith('installation');
  return [
    ...(name.length > 34 ? ['Name is too long (maximum is 34 characters)'] : []),
    ...(hook && !/^https:\/\//.test(hook.url) ? ['Hook url is not supported because it is not reachable'] : []),
    ...(URL.canParse(manifest.redirect_url ?? '') ? [] : ['Redirect url must be a valid URL']),
    ...Object.keys(permissions).flatMap((each) => (names.has(each) ? [] : [`Default permission ${each} is unknown`])),
    ...events.flatMap((each) => (isEvent(each) ? [] : [`Default events unsupported: ${each}`])),
  ];
}

export const connectingRoutes: Routes = {
  'apps/create-from-manifest': route<'apps/create-from-manifest'>('nobody', ({ github, path }) => {
    const found = codesOf(github).get(path.code);
    if (!found) throw notFound();
    codesOf(github).delete(path.code);
    const { manifest, owner } = found;
    const { app } = github.apps;
    const { hook_attributes: hook, default_permissions: permissions, default_events: events } = manifest;
    Object.assign(app, {
      id: github.nextId(),
      name: manifest.name,
      slug: manifest.name.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
      owner: github.addUser(owner, owner === 'a-person' ? 'User' : 'Organization'),
      permissions: { ...permissions },
      events: events ?? [],
      webhookUrl: hook?.active === false ? null : (hook?.url ?? null),
      webhookSecret: randomBytes(20).toString('hex'),
      privateKey: testKey(),
    });
    return {
      status: 201,
      body: {
        id: app.id,
        slug: app.slug,
        node_id: `A_${app.id}`,
        name: app.name,
        owner: describeUser(github, app.owner),
        description: null,
        external_url: manifest.url,
        html_url: `${github.url}/apps/${app.slug}`,
        created_at: github.clock.stamp(),
        updated_at: github.clock.stamp(),
        permissions: app.permissions,
        events: app.events,
        client_id: 'Iv23.0123456789abcdef',
        client_secret: randomBytes(20).toString('hex'),
        webhook_secret: app.webhookUrl === null ? null : app.webhookSecret,
        pem: app.privateKey,
      },
    };
  }),

  'apps/get-webhook-config-for-app': route<'apps/get-webhook-config-for-app'>('app', ({ github }) => {
    const { webhookUrl: url, webhookSecret } = github.apps.app;
    if (url === null) throw notFound();
    return { body: { url, content_type: 'json', insecure_ssl: '0', ...(webhookSecret && { secret: '********' }) } };
  }),

  'rate-limit/get': route<'rate-limit/get'>('anybody', ({ github, token }) => {
    const account = token?.installation ? `installation ${token.installation.id}` : (token?.user.login ?? 'app');
    const { count = 0, resetsAt = github.clock.now() + 3_600_000 } = github.used.get(account) ?? {};
    const limit = github.requestsPerHour;
    const core = { limit, used: count, remaining: Math.max(limit - count, 0), reset: Math.ceil(resetsAt / 1000) };
    return { body: { resources: { core, search: core }, rate: core } };
  }),
};
