/*
 * What we write carries a mark that people do not see, by which it is found again. A mark counts only in what our own account
 * wrote.
 */

/** The property of a comment, or an issue, that says of which operation it is. */
export const markKey = 'shipmate';

/**
 * The property by which a help desk keeps a comment from its customers, who would else read what the agent does and costs, and be
 * mailed. Everywhere else it means nothing.
 */
export const insideKey = 'sd.public.comment';

/** What the `globalId` of a remote link begins with that is ours. */
export const linkPrefix = 'shipmate:';
