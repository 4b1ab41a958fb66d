import { expect, test } from 'vitest';
import { buildManifest, newAppPage, webhookUrl } from '../../../src/vendors/github/connecting/manifest.ts';
import { contractOf } from '../../stand-ins/github/contract.ts';

const wanted = {
  name: 'shipmate-of-an-organization-with-a-long-name',
  redirectUrl: 'http://127.0.0.1:4000/made',
  publicUrl: 'https://mate.example.com/agent',
};

test('what GitHub is asked for is what its own description knows', () => {
  const manifest = buildManifest({ ...wanted, webUrl: 'https://github.com' });
  const told = new Set(
    contractOf('openapi-webhooks-types')
      .ids()
      .map((id) => id.split('/')[0]?.replaceAll('-', '_')),
  );
  expect(manifest.default_events.filter((event) => !told.has(event))).toEqual([]);
  expect(manifest.default_events).toContain('sub_issues');
  const permissions = contractOf('openapi-types').schema('app-permissions');
  const known = permissions.kind === 'object' ? [...permissions.properties.keys()] : [];
  expect(known).toEqual(expect.arrayContaining(Object.keys(manifest.default_permissions)));
  expect(Object.keys(manifest.default_permissions)).not.toContain('administration');
  expect(manifest.name.length).toBeLessThanOrEqual(34);
  expect(manifest.hook_attributes).toEqual({ url: 'https://mate.example.com/agent/webhooks/github', active: true });
});

test('a server of one’s own is not asked for events that it may not know', () => {
  const { default_events: events } = buildManifest({ ...wanted, webUrl: 'https://git.acme.com' });
  expect(events).not.toContain('sub_issues');
  expect(newAppPage('https://git.acme.com', 'a b', 's')).toBe(
    'https://git.acme.com/organizations/a%20b/settings/apps/new?state=s',
  );
  expect(newAppPage('https://github.com', null, 's')).toBe('https://github.com/settings/apps/new?state=s');
  expect(webhookUrl('https://mate.example.com')).toBe('https://mate.example.com/webhooks/github');
});
