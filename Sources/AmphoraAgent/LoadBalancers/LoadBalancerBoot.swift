// After a boot: a configuration that was uploaded but never ran may not start, and then the one that ran last must
// (contract agent-api §5 W13).

package import AmphoraProtocol
import Files
import Logging

extension LoadBalancers {
  /// The load balancers that should run and do not, and whose configuration is another one than that which ran last.
  ///
  /// For all others there is nothing to decide: their supervisor starts them as they are.
  package func idsWithUntriedConfiguration() async throws -> [LoadBalancerID] {
    try await BlockingIO.run { [store, stopped, paths] in
      store.ids().filter { id in
        guard !store.isRunning(id), !stopped.contains(ServiceUnit.unitName(of: id)),
          let good = try? FileRead.bytes(paths.lastGoodConfiguration(of: id)),
          let current = try? store.configuration(of: id)
        else { return false }
        return good != current
      }
    }
  }

  /// Starts a load balancer, with the configuration that ran last when the present one does not start.
  package func startAtBoot(_ id: LoadBalancerID) async {
    do {
      let action = try await control(.start, id)
      logger.notice("untried configuration runs", metadata: ["lb": "\(id)", "action": "\(action.rawValue)"])
    } catch {
      logger.error("untried configuration does not start", metadata: ["lb": "\(id)", "error": "\(error)"])
    }
  }
}
