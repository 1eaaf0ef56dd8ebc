/** Where a version's adapter is downloaded, as a .tar that can be brought again. */

export function adapterAddress(tenant: string, task: string, version: number): string {
  const [owner, name] = [tenant, task].map(encodeURIComponent);
  return `/api/v1/tenants/${owner}/tasks/${name}/versions/${version}/adapter`;
}
