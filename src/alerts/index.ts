import { sentry } from './sentry/definition.ts';

/** All there are. */
export const alertSources = [sentry] as const;
