import { z } from 'zod';
import type { RepositoryName } from '../hint.ts';
import type { Own } from '../people.ts';
import type { Repositories } from '../repositories.ts';

/* What several of GitHub's webhook bodies have. */

export const account = z.object({ id: z.number(), login: z.string(), type: z.string().optional() }).nullish();
export const authorship = {
  performed_via_github_app: z.object({ id: z.number().optional() }).nullish(),
  author_association: z.string().optional(),
};
export const time = z.iso.datetime({ offset: true });

/** What both an issue and a pull request have. */
export const common = {
  number: z.number(),
  title: z.string(),
  body: z.string().nullish(),
  html_url: z.string(),
  user: account,
  state: z.string(),
  labels: z.array(z.object({ name: z.string().optional() })).optional(),
  milestone: z.object({ title: z.string() }).nullish(),
  updated_at: time,
  closed_at: time.nullish(),
  ...authorship,
};

export const changes = z
  .object({
    title: z.object({ from: z.string() }).optional(),
    body: z.object({ from: z.string().nullish() }).optional(),
  })
  .optional();

export interface DeliveryReader {
  label: string;
  webUrl: string;
  own: Own;
  repositories: Repositories;
}

const repository = z.object({ repository: z.object({ id: z.number(), full_name: z.string() }) });

/** Of which repository a delivery tells what it is called. */
export function repositoryIn(body: unknown): RepositoryName | null {
  const { data } = repository.safeParse(body);
  return data ? { id: data.repository.id, fullName: data.repository.full_name } : null;
}
