import { z } from 'zod';

/** A link from an issue to somewhere else. */
export const remoteLink = z.object({
  id: z.number().optional(),
  globalId: z.string().nullish(),
  relationship: z.string().nullish(),
  object: z.object({ url: z.string().nullish(), title: z.string().nullish(), summary: z.string().nullish() }),
});
