import type { VendorError } from '../../core/vendor-error.ts';
import type { JiraClient } from './client.ts';
import { JiraError } from './errors.ts';
import { refOf } from './hint.ts';
import type { Own } from './people.ts';

/** A field as a site calls it. */
export interface KnownField {
  id: string;
  name: string;
  isCustom: boolean;
  /** "string", "option", "array" ... */
  type: string;
  /** What an array has. */
  items: string | null;
  /** "com.atlassian.jira.plugin.system.customfieldtypes:textarea"; null: Jira's own. */
  custom: string | null;
}

/** A site, with what is asked of it once and stays known for a while. */
export interface Site {
  host: string;
  url: string;
  client: JiraClient;
  own(signal: AbortSignal): Promise<Own>;
  /** Our account, if it was asked for before. */
  knownOwn(): Own | null;
  fields(signal: AbortSignal): Promise<readonly KnownField[]>;
}

/** All sites that we are a member of. */
export interface Sites {
  all(signal: AbortSignal): Promise<readonly Site[]>;
  /** Those that have to be connected again: why, with `account`. */
  lost?(): Promise<VendorError[]>;
}

const fieldsKnownForMs = 10 * 60_000;

export function createSite(client: JiraClient, now: () => number = Date.now): Site {
  const { host, url } = client;
  let own: Own | null = null;
  let fields: { at: number; all: readonly KnownField[] } | null = null;
  return {
    host,
    url,
    client,
    knownOwn: () => own,
    async own(signal) {
      if (own) return own;
      const { accountId, displayName } = await client.on(signal).myself.getCurrentUser({});
      if (!accountId)
        throw new JiraError(`Jira (${host}) does not tell whose account the agent has.`, {
          ...{ code: 'unauthorized', retryable: false, status: 200 },
        });
      own = { accountId, displayName: displayName ?? accountId };
      return own;
    },
    async fields(signal) {
      if (fields && now() - fields.at < fieldsKnownForMs) return fields.all;
      const found = await client.on(signal).issueFields.getFields();
      const all = found.flatMap(({ id, name, custom, schema }): KnownField[] => {
        if (!id) return [];
        const { type = '', items = null, custom: kind = null } = schema ?? {};
        return [{ id, name: name ?? id, isCustom: custom === true, type, items, custom: kind }];
      });
      fields = { at: now(), all };
      return all;
    },
  };
}

/** The site that a ticket is in; null: the hint does not say. Throws `VendorError` `not_found` where that one is not ours. */
export function siteOf(sites: readonly Site[], hint: { ref: unknown; identifier: string }): Site | null {
  const ref = refOf(hint);
  if (!ref) return null;
  const found = sites.find(({ host }) => host === ref.site);
  if (found) return found;
  throw new JiraError(
    `${hint.identifier} is in ${ref.site}, which the agent is not connected to. Connect it with \`shipmate connect jira\`.`,
    { code: 'disconnected', retryable: false, account: ref.site },
  );
}
