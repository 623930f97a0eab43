/** The messages from the worker that makes a package. It receives one `Version`, and then ends. */
export type DownloadSaid =
  /** `of` is 0 if the amount of work is unknown. */
  | { readonly kind: 'step'; readonly step: string; readonly done: number; readonly of: number }
  | { readonly kind: 'package'; readonly folder: string; readonly zip: Blob }
  | { readonly kind: 'failure'; readonly message: string };
