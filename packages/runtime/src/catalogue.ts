/**
 * The catalogue of errors that the user of a package can meet: number, sentence and remedy, in the
 * format of the compiler's diagnostics (L1xx to L3xx). It is separate from theirs because a
 * generated package contains the runtime and nothing of the compiler.
 *
 * The scripts of a page's worker have none of the sentences: the worker sends an error as its code
 * and arguments, and the page words it (`withoutSentences` in `cli/src/package/bundle.ts`).
 */

/** The sentences. `{name}` is filled from the arguments; the part after `Try:` is the remedy. */
export const catalogue = {
  L401: 'the prompt is empty. Try: at least one token, or some text',
  L402: 'token id {id} is outside the vocabulary of {vocab}. Try: ids from 0 to {last}',
  L403: '{count} tokens do not fit the context of {context}. Try: a shorter prompt, or compile with a larger --context',
  L404: '{path} is not a compiled package: {reason}. Try: the folder that lamella compile GRAPH.ts --weights ... has written, or its address',
  L405: '{path} has no weights: it was compiled without --weights. Try: lamella compile again with --weights DIR, FILE or random:SEED',
  L406: '{path} has no tokenizer, so text cannot be read. Try: token ids, as generate([1, 2, 3]) or --tokens 1,2,3',
  L407: '{file} is damaged: {reason}. Try: loading again later, because a new version may be uploading; if the error stays, copying the whole folder of the package there again',
  L408: '{option} must be {range}, not {value}. Try: {remedy}',
  L409: '{option} is not an option here. Try: {remedy}',
  L411: 'the model was disposed of. Try: loading the package again',
  L412: '{what} cannot be used: {reason}. Try: {remedy}',
  L413: '{file} cannot be read: {reason}. Try: again; if the file is gone, copying the whole folder of the package there again',
  L414: 'manifest.json has a value that the compiler never writes: {field} is {is} and must be {must}. Try: copying the whole folder of the package there again',
  L415: '{file} cannot be fetched: this device is offline. Try: again with a connection; a page needs none once all its files are on the device',
  L416: '{file} may not be read from here: {origin} does not allow pages of {page} to read its files (CORS). Try: sending the header "Access-Control-Allow-Origin: {page}" from that server, or serving the package from the server of the page',
  L417: '{file} may not be used here: a Content-Security-Policy forbids it ({directive}). Try: adding {source} to {directive}, in the policy of the page and of its worker scripts',
  L418: "{file} was not found: {url} answers with a web page. Try: the address of the package's folder; many app servers answer an unknown address with their start page",
  L419: '{file} was not found: {url} answers {status}. Try: checking the address, and that every file of the package was uploaded',
  L420: '{file} may not be read: {url} answers {status}. Try: checking whether the server requires a login, or a token in the address',
  L421: '{file} cannot be fetched now: the server answers {status}. Try: again later; a page keeps the files that arrived whole',
  L422: '{file} arrived only in part: the connection ended after {bytes} bytes. Try: again with a better connection; a page keeps the files that arrived whole',
  L423: '{file} does not arrive: no byte came in {seconds} seconds. Try: again with a better connection; a page keeps the files that arrived whole',
  L424: '{file} cannot be fetched: {origin} does not answer ({reason}). Try: checking the address, and that its server runs; in a browser, that no extension blocks it',
  L425: 'the kernels and the manifest of this package do not match: {file} fails with "{reason}". Try: copying the whole folder of the package there again',
  L429: 'the logit of {token} is {value}, not a finite number. Try: another prompt; if every prompt fails, other weights, because these overflow f32',
  L445: 'the sequence cannot return to {position} tokens: it reached {farthest}, and the sliding windows of this model keep enough for {most} tokens back. Try: an empty sequence, and its first tokens again',
  L446: 'the model was loaded for {sessions} sessions, and all are open. Try: dispose() of a session, or sessions: {more} among the options of load, its second argument',
  L447: 'there is no memory for another session, which takes {mib} MiB. Try: dispose() of a session, or compile with a smaller --context or --kv q8',
  L448: 'these bytes cannot be loaded as a session: {reason}. Try: the bytes that save() of a session of this package returned; a new session, if there are none',
  L449: 'the session was disposed of. Try: another session of the model',
  L450: 'a call of this session has not ended, and it may change the tokens that the prompt begins with. Try: await of append, rewind, load, clone or save before generate',
  L451: '{path} has no chat template, so it takes no messages. Try: the text of a request, as generate("Hello"); compiling it from a folder whose tokenizer_config.json has a chat_template',
  L452: 'the chat template cannot write these messages: {reason}. Try: other roles, or another order of the messages',
  L460: 'the answer cannot be constrained: at {at}, {reason}. Try: {remedy}',
  L461: 'structured output cannot be loaded: {reason}. Try: again; if the error stays, checking that constraint.js of the package was uploaded',
  L435: 'a model needs a worker, and this environment has none. Try: a page, a worker of a page, or Node',
  L436: "the model's worker cannot be started: {reason}. Try: {remedy}",
  L437: "the model's worker has ended: {reason}. Try: loading the package again",
  L438: "the package's files cannot be found from here: {reason}. Try: load('/FOLDER/') with the address of the package's folder, or keeping the package out of a server's bundle (Next: serverExternalPackages; Vite: ssr.external; esbuild: --external:NAME)",
  L439: 'the page\'s Content-Security-Policy forbids {script} as a worker ({directive}). Try: a policy with "worker-src \'self\' blob:", {source} in script-src, and "trusted-types lamella" where the page requires Trusted Types',
} as const;
