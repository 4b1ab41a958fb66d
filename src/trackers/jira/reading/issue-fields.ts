import { timeOf } from '../client.ts';
import { markdownOf } from '../text.ts';

/** Of what type a field is. */
interface FieldSchema {
  type?: string | undefined;
  items?: string | undefined;
  system?: string | undefined;
  custom?: string | undefined;
}

/** Jira's own that are worth telling, as we call them: names there may be in any language. "Deadline" is understood whatever a team has set. */
const own: Record<string, string> = {
  issuetype: 'Type',
  duedate: 'Deadline',
  components: 'Components',
  fixVersions: 'Fix versions',
  versions: 'Affects versions',
  environment: 'Environment',
};

/** What changes by itself, or tells people nothing: the place in a list, colours, what integrations count. */
const silent =
  /:(gh-lexo-rank|gh-epic-(color|label|status|link)|gh-global-rank|devsummarycf|dev-summary|vulnerabilitycf|jpo-custom-field-(baseline-\w+|parent)|sd-request-feedback\w*|sd-sla-field|vp-origin|sd-request-lang|designcf|(charting|toolkit)\S*|firstresponsedate|timeinstatus|issue-last-\w+)$/;

const longestValue = 8_000;

/** All fields that say something, by their names in Jira. Of two with one name the first that has a value is told. */
export function fieldsOf(
  fields: Readonly<Record<string, unknown>>,
  names: Readonly<Record<string, string>>,
  schemas: Readonly<Record<string, FieldSchema>>,
): Record<string, string> {
  const told: Record<string, string> = {};
  for (const [id, value] of Object.entries(fields)) {
    const schema = Object.hasOwn(schemas, id) ? schemas[id] : undefined;
    const name = Object.hasOwn(own, id) ? own[id] : id.startsWith('customfield_') ? names[id] : undefined;
    if (name === undefined || silent.test(schema?.custom ?? '')) continue;
    const text = valueText(value, schema).slice(0, longestValue).toWellFormed().trim();
    if (text !== '' && !Object.hasOwn(told, name)) told[name] = text;
  }
  return told;
}

/** A value of any type as text; '' where there is none. */
function valueText(value: unknown, schema: FieldSchema = {}): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return schema.type === 'date' ? timeOf(value).slice(0, 10) : timeOf(value);
  if (typeof value === 'string') return schema.custom?.endsWith(':textarea') ? markdownOf(value) : value;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value))
    return schema.custom?.endsWith(':gh-sprint')
      ? sprintText(value)
      : value
          .map((each) => valueText(each))
          .filter((text) => text !== '')
          .join(', ');
  return objectText(value as Record<string, unknown>);
}

function objectText(value: Record<string, unknown>): string {
  if (value.type === 'doc') return markdownOf(value);
  const text = (key: string) =>
    typeof value[key] === 'string' || typeof value[key] === 'number' ? String(value[key]) : '';
  if (text('value') !== '') {
    const child = valueText(value.child);
    return child === '' ? text('value') : `${text('value')} - ${child}`;
  }
  const shown = text('displayName') || text('name') || text('title');
  const key = text('key');
  if (shown !== '') return key === '' || value.accountId !== undefined ? shown : `${shown} (${key})`;
  const summary = valueText((value.fields as Record<string, unknown> | undefined)?.summary);
  if (key !== '') return summary === '' ? key : `${key}: ${summary}`;
  return Object.keys(value).length === 0 ? '' : JSON.stringify(value);
}

/** The sprint that it is in, or comes into; of those that are over nobody needs to know. */
function sprintText(sprints: readonly unknown[]): string {
  return sprints
    .flatMap((each) => {
      if (typeof each !== 'object' || each === null) return [];
      const { name, state, endDate, goal } = each as Record<string, unknown>;
      if (state === 'closed' || typeof name !== 'string') return [];
      const until = timeOf(endDate).slice(0, 10);
      const aim = typeof goal === 'string' && goal.trim() !== '' ? `: ${goal.trim()}` : '';
      return [`${name}${until === '' ? '' : `, until ${until}`}${state === 'future' ? ' (not begun)' : ''}${aim}`];
    })
    .join('; ');
}
