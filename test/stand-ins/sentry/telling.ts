import type { EventRow, FrameInput, Issue } from './rows.ts';
import { culpritOf, metadataOf } from './site.ts';
import { issueView, permalinkOf, tagsOf } from './views.ts';
import type { Integration, Outbox } from './webhooks.ts';

/** What webhooks say, as the vendor's pages on them show it: of events in another spelling than its API. */
export interface Teller {
  issue(issue: Issue, action: string): void;
  alert(event: EventRow, rule: string): void;
}

export function createTeller(url: () => string, integration: Integration, outbox: Outbox): Teller {
  const installation = { uuid: integration.uuid };
  const actor = { type: 'application', id: 'sentry', name: 'Sentry' };
  return {
    issue(issue, action) {
      const { organization, id } = issue.project;
      const at = url();
      const about = {
        url: `${at}/api/0/organizations/${organization.slug}/issues/${issue.id}/`,
        web_url: permalinkOf(at, issue),
        project_url: `${at}/organizations/${organization.slug}/issues/?project=${id}`,
        ...issueView(at, issue),
      };
      outbox.tell('issue', { action, installation, data: { issue: about }, actor });
    },
    alert(event, rule) {
      const data = { event: eventView(url(), event), triggered_rule: rule };
      outbox.tell('event_alert', { action: 'triggered', installation, data, actor });
    },
  };
}

function eventView(url: string, event: EventRow): Record<string, unknown> {
  const { issue, input, eventID, at } = event;
  const { organization, slug, id } = issue.project;
  const seconds = Date.parse(at) / 1000;
  const { exceptions, breadcrumbs, request } = input;
  return {
    ...{ _ref: id, _ref_version: 2, event_id: eventID, project: id, platform: issue.project.platform, version: '7' },
    ...{ culprit: culpritOf(input), title: event.title, message: input.message ?? '', metadata: metadataOf(input) },
    ...{ level: issue.level, logger: '', location: null, type: exceptions ? 'error' : 'default', time_spent: null },
    ...{ contexts: input.contexts ?? {}, extra: input.extra ?? {}, user: input.user ?? null, dist: null },
    ...{ datetime: at, timestamp: seconds, received: seconds, release: input.release ?? null, sdk: null },
    ...{ environment: input.environment ?? null, tags: tagsOf(event).map(({ key, value }) => [key, value]) },
    ...{ fingerprint: input.fingerprint ?? ['{{ default }}'], hashes: [issue.fingerprint], key_id: '1' },
    ...(exceptions && {
      exception: {
        values: exceptions.map(({ type, value, frames, handled = true }) => {
          const stacktrace = frames && { frames: frames.map(frameView) };
          return { type, value, stacktrace, mechanism: { type: 'generic', handled } };
        }),
      },
    }),
    ...(breadcrumbs && { breadcrumbs: { values: breadcrumbs } }),
    ...(request && {
      request: { ...request, query_string: request.query ?? [], headers: request.headers ?? [], query: undefined },
    }),
    url: `${url}/api/0/projects/${organization.slug}/${slug}/events/${eventID}/`,
    web_url: `${permalinkOf(url, issue)}events/${eventID}/`,
    issue_url: `${url}/api/0/organizations/${organization.slug}/issues/${issue.id}/`,
    issue_id: String(issue.id),
  };
}

function frameView(frame: FrameInput): Record<string, unknown> {
  const context = frame.context ?? [];
  const before = context.filter(([line]) => line < frame.lineNo).map(([, text]) => text);
  const after = context.filter(([line]) => line > frame.lineNo).map(([, text]) => text);
  return {
    ...{ filename: frame.filename, abs_path: frame.absPath ?? frame.filename, module: frame.module ?? null },
    ...{
      function: frame.function ?? null,
      lineno: frame.lineNo,
      colno: frame.colNo ?? null,
      in_app: frame.inApp ?? true,
    },
    context_line: context.find(([line]) => line === frame.lineNo)?.[1] ?? null,
    ...{ pre_context: before, post_context: after, vars: frame.vars ?? null },
  };
}
