import { wantedEvents, wantedPermissions, welcomeEvents } from './wanted.ts';

export interface Manifest {
  name: string;
  url: string;
  hook_attributes: { url: string; active: boolean };
  redirect_url: string;
  public: false;
  default_permissions: Record<string, string>;
  default_events: readonly string[];
}

/** GitHub refuses a longer name. */
const longestName = 34;

/**
 * What GitHub makes an App from, once a person has agreed; see "Registering a GitHub App from a manifest" in its
 * documentation. `publicUrl`: where webhooks can be sent; null: none are.
 */
export function buildManifest(options: {
  name: string;
  publicUrl: string | null;
  redirectUrl: string;
  /** Where people look: an older server refuses a manifest with an event that it does not know. */
  webUrl: string;
}): Manifest {
  const { name, publicUrl, redirectUrl, webUrl } = options;
  const events = webUrl === 'https://github.com' ? [...wantedEvents, ...welcomeEvents] : wantedEvents;
  const home = publicUrl ?? 'https://example.com';
  return {
    name: name.slice(0, longestName).trim(),
    url: home,
    // GitHub wants an address even where nothing is sent to it.
    hook_attributes: { url: webhookUrl(home), active: publicUrl !== null },
    redirect_url: redirectUrl,
    public: false,
    default_permissions: Object.fromEntries(
      Object.entries(wantedPermissions).map(([name, { level }]) => [name, level]),
    ),
    default_events: publicUrl === null ? [] : events,
  };
}

/** Where GitHub sends its webhooks. */
export function webhookUrl(publicUrl: string): string {
  return new URL('webhooks/github', publicUrl.endsWith('/') ? publicUrl : `${publicUrl}/`).href;
}

/** The page that takes a manifest: of a person, or of an organization that the person owns. */
export function newAppPage(webUrl: string, org: string | null, state: string): string {
  const owner = org === null ? '' : `/organizations/${encodeURIComponent(org)}`;
  return `${webUrl}${owner}/settings/apps/new?state=${encodeURIComponent(state)}`;
}
