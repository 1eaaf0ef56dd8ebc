/** Where a version's adapter is downloaded, as a .tar that can be brought again. */

export function adapterAddress(tenant: string, task: string, version: number): string {
  const root = `/api/v1/tenants/${encodeURIComponent(tenant)}/tasks/${encodeURIComponent(task)}`;
  return `${root}/versions/${version}/adapter`;
}
