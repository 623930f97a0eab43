/**
 * Formats of strings as regular expressions: texts that are in the format by any reading of its
 * RFC, but not all of them (no internationalised names, no IPv6, no leap seconds).
 */
const day31 = '(?:0[1-9]|[12]\\d|3[01])';
const day30 = '(?:0[1-9]|[12]\\d|30)';
const day28 = '(?:0[1-9]|1\\d|2[0-8])';
const leapYear = '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)';
const date = `(?:\\d{4}-(?:(?:0[13578]|1[02])-${day31}|(?:0[469]|11)-${day30}|02-${day28})|${leapYear}-02-29)`;
const time = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)';
const label = '[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?';
const byte = '(?:\\d|[1-9]\\d|1\\d\\d|2[0-4]\\d|25[0-5])';
const hostname = `${label}(?:\\.${label}){1,3}`;

/** By name; the whole string matches. */
export const formats: Readonly<Record<string, string>> = {
  date,
  time,
  'date-time': `${date}T${time}`,
  uuid: '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  email: `[a-z0-9_]{1,20}(?:[.+-][a-z0-9_]{1,20}){0,2}@${hostname}`,
  hostname,
  ipv4: `${byte}(?:\\.${byte}){3}`,
  uri: `https?://${hostname}(?::[1-9]\\d{1,3})?(?:/[A-Za-z0-9_.~-]*)*(?:\\?[A-Za-z0-9_.~=&-]*)?`,
};
