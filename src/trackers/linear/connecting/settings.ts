import { z } from 'zod';

const settings = z.object({
  apiUrl: z.string(),
  clientId: z.string().nullable(),
  install: z.boolean(),
  /** Where tickets are filed that name no team. */
  team: z.string().nullable(),
});
const secrets = z.object({ accessToken: z.string().nullable(), clientSecret: z.string().nullable() });

export type LinearSettings = z.output<typeof settings> & z.output<typeof secrets>;

/** What the adapter is given, by the names that it wants it under. Throws where something is missing: that is a fault of ours. */
export function readSettings(given: {
  settings: Record<string, unknown>;
  secrets: Record<string, string | null>;
}): LinearSettings {
  return { ...settings.parse(given.settings), ...secrets.parse(given.secrets) };
}
