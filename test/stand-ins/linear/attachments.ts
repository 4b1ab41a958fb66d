import { findIssue } from './issues.ts';
import { invalidInput } from './refusal.ts';
import type { Asset, Attachment, User } from './rows.ts';
import type { Workspace } from './workspace.ts';

export interface AttachmentDraft {
  id?: string | null;
  issueId: string;
  url: string;
  title?: string | null;
  subtitle?: string | null;
  metadata?: Record<string, unknown> | null;
}

/** An issue has a URL once: a second time changes what is there. */
export function attach(
  workspace: Workspace,
  draft: AttachmentDraft,
  by: User,
  sourceType: string | null = null,
): Attachment {
  const issueId = findIssue(workspace, draft.issueId).id;
  if (!URL.canParse(draft.url)) throw invalidInput('url must be a URL');
  const known = [...workspace.tables.Attachment.values()].find(
    ({ issueId: id, url }) => id === issueId && url === draft.url,
  );
  const title = draft.title ?? known?.title ?? draft.url;
  const subtitle = draft.subtitle ?? known?.subtitle ?? null;
  const metadata = draft.metadata ?? known?.metadata ?? {};
  if (known) {
    workspace.update(known, { title, subtitle, metadata });
    return known;
  }
  return workspace.insert(
    'Attachment',
    { issueId, url: draft.url, title, subtitle, metadata, sourceType, creatorId: by.id },
    draft.id,
  );
}

/** Where a file is downloaded, with a token. */
export function assetPath(workspace: Workspace, { id, filename }: Asset): string {
  return `/uploads/${workspace.organizationId}/${id}/${encodeURIComponent(filename)}`;
}
