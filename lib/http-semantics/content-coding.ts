/**
 * Whether an `Accept-Encoding` lets a server send something else than the bytes themselves (RFC 9110 12.5.3). Without the field
 * none does so, although it might.
 */
export function acceptsContentCoding(field: string | undefined): boolean {
  if (field === undefined) return false;
  return field.split(',').some((member) => {
    const [coding = '', ...parameters] = member.split(';').map((part) => part.trim().toLowerCase());
    return coding !== '' && coding !== 'identity' && !parameters.some(isZero);
  });
}

/** Whether a weight says: not at all. */
function isZero(parameter: string): boolean {
  const [name = '', value = ''] = parameter.split('=');
  return name.trim() === 'q' && Number(value) === 0;
}
