# -*- encoding: utf-8 -*-
# stub: native 3.0.0 x86_64-linux lib

Gem::Specification.new do |s|
  s.name = "native".freeze
  s.version = "3.0.0"
  s.platform = "x86_64-linux".freeze

  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
  s.require_paths = ["lib".freeze]
  s.authors = ["A. Person".freeze, "B".freeze]
  s.date = "2026-11-29"
  s.email = ["a@person.example".freeze]
  s.homepage = "https://native.example/".freeze
  s.licenses = ["MIT".freeze, "Ruby".freeze]
  s.rubygems_version = "3.3.15".freeze
  s.summary = "s".freeze

  s.installed_by_version = "3.3.15" if s.respond_to? :installed_by_version

  if s.respond_to? :specification_version then
    s.specification_version = 4
  end

  if s.respond_to? :add_runtime_dependency then
    s.add_runtime_dependency(%q<beta-lib>.freeze, [">= 1", "< 3"])
  else
    s.add_dependency(%q<beta-lib>.freeze, [">= 1", "< 3"])
  end
end
