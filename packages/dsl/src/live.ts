/**
 * The messages between `lamella dev` and the studio in a page. They share an author's file and
 * never run code for each other, so they agree on data alone.
 */

/** A file of the author: the graph file, or a file that it imports. */
export interface AuthorFile {
  /** The path as it is shown: relative to the working folder if it is inside. */
  readonly path: string;
  readonly text: string;
  /** The `path` of each imported file, by the name in the import. */
  readonly imports: Readonly<Record<string, string>>;
}

/** The graph file on disk, sent after each change of it or of a file that it imports. */
export interface LiveGraph {
  readonly path: string;
  /** The whole file, with its own line endings and byte order mark. */
  readonly text: string;
  /** False if the file was deleted; `text` is then the last one. */
  readonly isThere: boolean;
  /** Grows with each change of the file. A write names the revision that it replaces. */
  readonly revision: number;
  /** The graph file and every file that it imports, directly or not. */
  readonly files: readonly AuthorFile[];
  /** The value of `--weights`; null without it. */
  readonly weights: string | null;
}

/** The answer to a write: `written` is false if the file on disk had another revision. */
export interface WriteAnswer {
  readonly written: boolean;
  readonly graph: LiveGraph;
}

/** The name of the element that `lamella dev` adds to the page's head, as `<meta name=...>`. */
export const LIVE = 'lamella-dev';
