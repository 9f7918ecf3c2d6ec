//! `serve`: makes memories, devices and boards reachable.

mod device;
mod guards;
mod http;
mod manager;
mod metrics;
mod plan;
mod regions;
mod running;
mod signals;
mod state;
mod timers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rogue_mem::bridge::{ServerOptions, TcpServer};
use serde_json::json;

use crate::arguments::{Limits, Serve, Settings};
use crate::failure::{Failure, Kind, Outcome};
use crate::output;
use crate::target::split;

use device::Opened;
use guards::Guards;
use metrics::Sources;
use plan::Plan;
use regions::Regions;
use running::Running;

/// How long the requests that the device has may take at the end, by default.
const DRAIN_TIME: Duration = Duration::from_secs(1);

pub fn run(serve: &Serve, json: bool) -> Outcome {
    if serve.check {
        return check(serve, json);
    }
    let inherited = manager::take_sockets()?;
    let plan = Plan::of(serve, !inherited.server.is_empty())?;
    let guards = Guards::of(&plan.settings)?;
    let metrics = match inherited.metrics {
        Some(socket) => Some(socket),
        None => plan.settings.metrics.as_deref().map(metrics::listen).transpose()?,
    };
    let opened = plan.regions.iter().map(Opened::new).collect::<Outcome<Vec<_>>>()?;
    let server = open(inherited.server, &plan.settings, &guards)?;
    let signals = signals::watch(&server, guards.audit.clone())?;
    let (mut regions, mut descriptions, mut roads) = (Vec::new(), Vec::new(), Vec::new());
    for Opened { region, description, road } in opened {
        regions.push(region);
        descriptions.push(description);
        roads.push(road);
    }
    let regions = Arc::new(Regions::new(regions));
    server.master().set_slave(regions.clone());
    let metrics_at = metrics.as_ref().and_then(|listener| listener.local_addr().ok());
    if let Some(listener) = metrics {
        let (server, regions, audit) = (server.clone(), regions.clone(), guards.audit.clone());
        metrics::serve(listener, Sources { server, regions, audit, start: metrics::now() })?;
    }
    announce(&server, &plan, &descriptions, metrics_at, json)?;
    let outcome = Running::new(serve, plan, server, regions, guards, json).until_end(&signals);
    // Boards are reachable until the last request has ended.
    drop(roads);
    outcome
}

/// Says where the server listens.
fn announce(
    server: &TcpServer,
    plan: &Plan,
    descriptions: &[String],
    metrics: Option<SocketAddr>,
    json: bool,
) -> Outcome {
    let addresses: Vec<String> = server.addresses().iter().map(ToString::to_string).collect();
    let each: Vec<String> = match descriptions {
        [one] => vec![one.clone()],
        several => {
            let named = plan.regions.iter().zip(several);
            named
                .map(|(region, what)| format!("{} {}: {what}", region.name, region.range))
                .collect()
        }
    };
    let device = each.join(", ");
    match json {
        true => {
            let regions = plan.regions.iter().zip(descriptions).map(|(region, what)| {
                json!({
                    "name": region.name, "device": what,
                    "first": format!("0x{:x}", region.range.first),
                    "last": format!("0x{:x}", region.range.last)
                })
            });
            output::line(json!({
                "event": "listening", "listening": addresses, "device": device,
                "regions": regions.collect::<Vec<_>>(),
                "metrics": metrics.map(|at| format!("http://{at}/metrics"))
            }))
        }
        false => output::line(format!("{device} at {}", addresses.join(", "))),
    }
}

/// Looks at the options and the files that they name.
fn check(serve: &Serve, json: bool) -> Outcome {
    // Whether there are sockets of a service manager is known when it starts the server.
    let plan = Plan::of(serve, true)?;
    Guards::without_audit(&plan.settings)?;
    if let Some(address) = &plan.settings.metrics {
        metrics::addresses_of(address)?;
    }
    if json {
        let names: Vec<&str> = plan.regions.iter().map(|region| region.name.as_str()).collect();
        return output::line(json!({ "bind": plan.settings.bind, "regions": names }));
    }
    for region in &plan.regions {
        output::line(format!("{} {}", region.name, region.range))?;
    }
    match plan.settings.bind.join(", ") {
        none if none.is_empty() => output::line("at the sockets of a service manager"),
        all => output::line(format!("at {all}")),
    }
}

fn open(
    sockets: Vec<rogue_mem::bridge::ListeningSockets>,
    settings: &Settings,
    guards: &Guards,
) -> Outcome<Arc<TcpServer>> {
    let mut options = options_of(settings, guards);
    if !sockets.is_empty() {
        options.addresses = settings.bind.clone();
        return TcpServer::adopt(sockets, options).map_err(Failure::of(Kind::Unreachable));
    }
    let (first, others) = settings.bind.split_first().expect("it was checked");
    let (host, port) = split(first)?;
    options.addresses = others.to_vec();
    TcpServer::new(&host, port, options).map_err(Failure::of(Kind::Unreachable))
}

fn options_of(settings: &Settings, guards: &Guards) -> ServerOptions {
    let Limits {
        budget_bytes_max,
        transaction_bytes_max,
        clients_max,
        clients_per_address_max,
        window,
        progress_per_second_min,
        malformed_per_second_max,
    } = settings.limits;
    let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let default = ServerOptions::default();
    ServerOptions {
        read_only: settings.read_only.unwrap_or(false),
        curve: guards.curve.clone(),
        access_list: guards.access_list.clone(),
        audit: guards.audit.clone(),
        unix_mode: settings.unix_mode.unwrap_or(default.unix_mode),
        budget_bytes_max: budget_bytes_max.unwrap_or(default.budget_bytes_max),
        transaction_bytes_max: transaction_bytes_max
            .map_or(default.transaction_bytes_max, |max| u32::try_from(max).unwrap_or(u32::MAX)),
        clients_max: clients_max.map_or(default.clients_max, size),
        clients_per_address_max: clients_per_address_max.map(size),
        window: window.map_or(default.window, size),
        progress_per_second_min: progress_per_second_min.unwrap_or(default.progress_per_second_min),
        malformed_per_second_max: malformed_per_second_max
            .unwrap_or(default.malformed_per_second_max),
        ..default
    }
}
