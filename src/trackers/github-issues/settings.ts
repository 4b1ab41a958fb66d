import { z } from 'zod';

const settings = z.object({
  apiUrl: z.string(),
  appId: z
    .union([z.string(), z.number().transform(String)])
    .nullish()
    .transform((id) => id ?? null),
  /** As people mention it: the App's slug, or the login of the token's account. */
  agent: z.string().min(1),
  /** An issue that has it is the agent's. */
  label: z.string().min(1),
  /** "owner/name"; what is filed without naming one goes to the first. */
  repositories: z.array(z.string()),
});
const secrets = z.object({
  privateKey: z
    .string()
    .nullish()
    .transform((key) => key ?? null),
  token: z
    .string()
    .nullish()
    .transform((key) => key ?? null),
});

export type IssuesSettings = z.output<typeof settings> & z.output<typeof secrets>;

/** What the adapter is given, by the names that it wants it under. Throws where something is missing: that is a fault of ours. */
export function readSettings(given: {
  agent: string;
  settings: Record<string, unknown>;
  secrets: Record<string, string | null>;
}): IssuesSettings {
  return { ...settings.parse({ agent: given.agent, ...given.settings }), ...secrets.parse(given.secrets) };
}
