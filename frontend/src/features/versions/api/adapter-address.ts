/** Where a version is downloaded: its adapter, as a .tar that can be brought again, or all to predict offline. */

export function adapterAddress(tenant: string, task: string, version: number): string {
  return `${versionAddress(tenant, task, version)}/adapter`;
}

export function offlineAddress(tenant: string, task: string, version: number): string {
  return `${versionAddress(tenant, task, version)}/offline`;
}

function versionAddress(tenant: string, task: string, version: number): string {
  const root = `/api/v1/tenants/${encodeURIComponent(tenant)}/tasks/${encodeURIComponent(task)}`;
  return `${root}/versions/${version}`;
}
