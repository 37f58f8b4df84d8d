#include "protocol/iscsi/login_admission.hpp"

namespace faultlun::iscsi {
namespace {

LoginVerdict name_initiator(const Declared& keys, Admission& admission) {
  if (!keys.initiator_name) return {LoginStatus::missing_parameter, "InitiatorName is missing"};
  if (!valid_name(*keys.initiator_name))
    return {LoginStatus::initiator_error, "InitiatorName is no iSCSI name"};
  admission.initiator_name = normalized_name(*keys.initiator_name);
  return {};
}

LoginVerdict choose_type(const Declared& keys, Admission& admission) {
  const auto type = keys.session_type.value_or("Normal");
  if (type != "Normal" && type != "Discovery")
    return {LoginStatus::session_type_not_supported, "SessionType is neither Normal nor Discovery"};
  admission.type = type == "Normal" ? SessionType::normal : SessionType::discovery;
  return {};
}

/// A discovery session may leave the target out; one that names it obeys the same rules (A1.11).
LoginVerdict find_target(const LoginContext& context, const Declared& keys, Admission& admission) {
  const bool normal = admission.type == SessionType::normal;
  admission.account = context.directory.discovery_chap;
  if (!keys.target_name && normal) return {LoginStatus::missing_parameter, "TargetName is missing"};
  if (!keys.target_name) return {};
  const TargetEntry* target = context.directory.find(*keys.target_name);
  if (target == nullptr) return {LoginStatus::not_found, "no such target"};
  if (!allows(*target, admission.initiator_name))
    return {LoginStatus::authorization_failure,
            "the target's access list does not name this initiator"};
  if (target->service == TargetEntry::Service::removed)
    return {LoginStatus::target_removed, "the target was removed"};
  if (!reachable_through(*target, context.portal_group_tag))
    return {LoginStatus::not_found, "the target is not reachable through this portal group"};
  if (target->service == TargetEntry::Service::unavailable)
    return {LoginStatus::service_unavailable, "the target is out of service"};
  if (target->redirect && normal) {
    admission.redirect = target->redirect->address;
    const bool permanent = target->redirect_permanent;
    return {permanent ? LoginStatus::moved_permanently : LoginStatus::moved_temporarily,
            "redirected"};
  }
  admission.target_name = target->name;
  admission.target_alias = normal ? target->alias : std::string();
  if (normal) admission.account = target->chap;
  return {};
}

LoginVerdict join_session(const LoginContext& context, const SessionHandle& handle,
                          Admission& admission) {
  const bool exists = context.sessions.exists(admission.initiator_name, handle.isid, handle.tsih,
                                              admission.target_name, context.portal_group_tag);
  if (handle.tsih == 0) {
    if (!exists && !context.sessions.room())
      return {LoginStatus::out_of_resources, "too many sessions"};
    return {};
  }
  if (!exists) return {LoginStatus::session_does_not_exist, "no session with this TSIH"};
  admission.reinstates = true;
  const auto live = context.sessions.live(handle.tsih);
  if (!live) return {};
  if (live->type != admission.type)
    return {LoginStatus::cannot_include_in_session, "the session is of the other type"};
  if (live->cid != handle.cid)
    return {LoginStatus::too_many_connections, "MaxConnections is 1 and another CID is in use"};
  admission.parameters = live->parameters;
  // Connection-wide keys start again (§13): digests and both segment lengths.
  admission.parameters.header_digest = admission.parameters.data_digest = false;
  admission.parameters.peer_max_recv_data_segment_length = kLoginMaxDataSegment;
  admission.parameters.our_max_recv_data_segment_length = kLoginMaxDataSegment;
  return {};
}

}  // namespace

Admission admit(const LoginContext& context, const Declared& keys, const SessionHandle& handle) {
  Admission admission;
  admission.verdict = name_initiator(keys, admission);
  if (admission.verdict.ok()) admission.verdict = choose_type(keys, admission);
  if (admission.verdict.ok()) admission.verdict = find_target(context, keys, admission);
  if (admission.verdict.ok()) admission.verdict = join_session(context, handle, admission);
  return admission;
}

}  // namespace faultlun::iscsi
