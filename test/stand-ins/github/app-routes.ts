import type { Installation } from './apps.ts';
import type { GitHub } from './github.ts';
import { notFound } from './refusal.ts';
import { type Routes, route } from './rest.ts';
import { fullName } from './rows.ts';
import { describeInstallation, describeRepository, describeUser } from './views.ts';
import type { HookDelivery } from './webhooks.ts';

function describeDelivery(delivery: HookDelivery): Record<string, unknown> {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: delivery.deliveredAt,
    redelivery: delivery.isRedelivery,
    duration: 0.03,
    status: delivery.status,
    status_code: delivery.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: delivery.installationId,
    repository_id: delivery.repositoryId,
  };
}

const alive = (github: GitHub) => github.apps.installations.filter((each) => !each.isDeleted);

function installationOf(github: GitHub, fits: (installation: Installation) => boolean) {
  const found = alive(github).find(fits);
  if (!found) throw notFound();
  return { body: describeInstallation(github, found) };
}

export const appRoutes: Routes = {
  'apps/get-authenticated': route<'apps/get-authenticated'>('app', ({ github }) => {
    const { app } = github.apps;
    return {
      body: {
        id: app.id,
        slug: app.slug,
        node_id: `A_${app.id}`,
        name: app.name,
        owner: describeUser(github, app.owner),
        description: '',
        external_url: 'https://example.org',
        html_url: `${github.url}/apps/${app.slug}`,
        created_at: '2026-01-01T00:00:00Z',
        updated_at: '2026-01-01T00:00:00Z',
        permissions: app.permissions,
        events: app.events.filter((event) => event !== '*'),
        installations_count: alive(github).length,
      },
    };
  }),

  'apps/list-installations': route<'apps/list-installations'>('app', (call) => ({
    body: call.page(alive(call.github)).map((each) => describeInstallation(call.github, each)),
  })),

  'apps/get-installation': route<'apps/get-installation'>('app', ({ github, path }) =>
    installationOf(github, (each) => each.id === path.installation_id),
  ),

  'apps/get-repo-installation': route<'apps/get-repo-installation'>('app', ({ github, path }) => {
    const name = `${path.owner}/${path.repo}`.toLowerCase();
    const repository = github.repositories.find((each) => fullName(each).toLowerCase() === name);
    return installationOf(github, (each) => repository !== undefined && github.apps.covers(each, repository));
  }),

  'apps/create-installation-access-token': route<'apps/create-installation-access-token'>(
    'app',
    ({ github, path, body }) => {
      const installation = alive(github).find((each) => each.id === path.installation_id);
      if (!installation) throw notFound();
      const token = github.apps.mint(installation, body ?? {}, github.repositories);
      return {
        status: 201,
        body: {
          token: token.value,
          expires_at: new Date(token.expiresAt).toISOString().replace('.000', ''),
          permissions: token.permissions,
          repository_selection: token.repositories || installation.selected ? 'selected' : 'all',
          ...(token.repositories
            ? { repositories: token.repositories.map((each) => describeRepository(github, each)) }
            : {}),
        },
      };
    },
  ),

  'apps/list-repos-accessible-to-installation': route<'apps/list-repos-accessible-to-installation'>(
    'metadata:read',
    (call) => {
      const { github, token } = call;
      const mine = github.repositories.filter(
        (each) =>
          token?.installation && (token.repositories?.includes(each) ?? github.apps.covers(token.installation, each)),
      );
      const repositories = call.page(mine).map((each) => describeRepository(github, each));
      return { body: { total_count: mine.length, repositories } };
    },
  ),

  'apps/list-webhook-deliveries': route<'apps/list-webhook-deliveries'>('app', ({ github, query }) => {
    const size = Number(query.per_page ?? 30);
    const newest = github.outbox.log.toReversed();
    const start = query.cursor === undefined ? 0 : newest.findIndex((each) => String(each.id) === query.cursor);
    const next = newest[start + size];
    const url = `${github.apiUrl}/app/hook/deliveries?per_page=${size}&cursor=${next?.id}`;
    return {
      body: newest.slice(start, start + size).map(describeDelivery),
      ...(next ? { headers: { link: `<${url}>; rel="next"` } } : {}),
    };
  }),

  'apps/redeliver-webhook-delivery': route<'apps/redeliver-webhook-delivery'>('app', ({ github, path }) => {
    if (!github.outbox.redeliver(path.delivery_id)) throw notFound();
    return { status: 202, body: {} };
  }),

  'users/get-authenticated': route<'users/get-authenticated'>('anybody', ({ github, actor, token }) => {
    if (token?.installation) throw notFound();
    const about = {
      ...describeUser(github, actor),
      name: actor.login,
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
    };
    return { body: about, headers: { 'x-oauth-scopes': 'repo, workflow' } };
  }),

  'users/get-by-username': route<'users/get-by-username'>('anybody', ({ github, path }) => {
    const user = github.users.get(path.username.toLowerCase());
    if (!user) throw notFound();
    return {
      body: {
        ...describeUser(github, user),
        name: user.login,
        created_at: '2026-01-01T00:00:00Z',
        updated_at: '2026-01-01T00:00:00Z',
      },
    };
  }),
};
