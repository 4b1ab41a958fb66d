import { type AdfDocument, adf, codeBlock } from '../adf/document.ts';
import { toMarkdown } from '../adf/to-markdown.ts';
import { JiraError } from '../errors.ts';

/** A document that Jira refuses, for whatever reason of its own, is shown as it is written, for no word is to be lost by its looks. */
export async function sayAnyhow<T>(body: AdfDocument, write: (body: never) => Promise<T>): Promise<T> {
  try {
    return await write(body as never);
  } catch (error) {
    if (!(error instanceof JiraError) || error.status !== 400) throw error;
    return write(adf([codeBlock(toMarkdown(body), 'markdown')]) as never);
  }
}
